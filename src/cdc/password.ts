import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

/** PostgreSQL's own default (`scram_iterations`). */
const ITERATIONS = 4096;

/** 24 characters of URL-safe Base64: 144 random bits, and nothing that a connection string must escape. */
export function generatePassword(): string {
  return randomBytes(18).toString('base64url');
}

/**
 * The SCRAM-SHA-256 verifier of a password (RFC 5803, as PostgreSQL stores it): a statement that carries it shows the
 * password neither to the server's log nor to the DBA who is handed the script.
 */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, ITERATIONS, 32, 'sha256');
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const storedKey = createHash('sha256').update(hmac(salted, 'Client Key')).digest('base64');
  const serverKey = hmac(salted, 'Server Key').toString('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}
