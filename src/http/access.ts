import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bearerToken, hostAllowed, isLoopback, originAllowed, sameToken, TokenBucket } from './guards.ts';
import { sendProblem } from './problem.ts';

/** Changes accepted at once, and a second after that, from all callers together. */
const CONTROL_BURST = 20;
const CONTROL_PER_SECOND = 4;
/** Look-ups of orders: they ask the database. */
const LOOKUP_BURST = 30;
const LOOKUP_PER_SECOND = 10;

const monotonicMs = () => performance.now();

/** A token that nobody guesses: 192 bits. */
export function makeToken(): string {
  return randomBytes(24).toString('base64url');
}

/** Who may see and change what. */
export interface Access {
  /** What a change must carry; null: nothing, on loopback without `CONTROL_TOKEN`. */
  readonly token: string | null;
  /** True when the token was made here and may be shown in the log. */
  readonly tokenWasMade: boolean;
  /** Every request; answers and returns false when it is refused. */
  admits(request: FastifyRequest, reply: FastifyReply): boolean;
  /** A request that changes something. */
  admitsControl(request: FastifyRequest, reply: FastifyReply): boolean;
  admitsLookup(reply: FastifyReply): boolean;
}

/**
 * @param madeToken the token to use where one is needed and the operator set none; default: a new one
 */
export function createAccess(host: string, configuredToken: string | undefined, madeToken?: string): Access {
  const tokenWasMade = configuredToken === undefined && !isLoopback(host);
  const token = configuredToken ?? (tokenWasMade ? (madeToken ?? makeToken()) : null);
  const control = new TokenBucket(CONTROL_BURST, CONTROL_PER_SECOND, monotonicMs);
  const lookups = new TokenBucket(LOOKUP_BURST, LOOKUP_PER_SECOND, monotonicMs);

  const spend = (bucket: TokenBucket, reply: FastifyReply, what: string): boolean => {
    const taken = bucket.take();
    if (taken.ok) return true;
    reply.header('retry-after', taken.retryAfterSeconds);
    sendProblem(reply, 429, `too many ${what}`, `come back in ${taken.retryAfterSeconds} s`);
    return false;
  };

  return {
    token,
    tokenWasMade,
    admits(request, reply) {
      if (hostAllowed(request.headers.host, host)) return true;
      const fix =
        'open the page by its address (127.0.0.1, localhost), or set HTTP_HOST to the name by which it is reached';
      sendProblem(reply, 421, 'the Host header names another server', fix);
      return false;
    },
    admitsControl(request, reply) {
      if (!originAllowed(request.headers, request.headers.host)) {
        sendProblem(reply, 403, 'changes from other sites are refused', 'use the page of this server itself');
        return false;
      }
      // counted before the token is looked at: guessing is limited as well
      if (!spend(control, reply, 'changes')) return false;
      if (token === null) return true;
      const given = bearerToken(request.headers.authorization);
      if (given !== undefined && sameToken(given, token)) return true;
      reply.header('www-authenticate', 'Bearer realm="cdc-sim"');
      const fix = tokenWasMade
        ? 'open the link that the log shows at start: it carries the token'
        : 'send the value of CONTROL_TOKEN as "Authorization: Bearer …"';
      sendProblem(reply, 401, given === undefined ? 'a token is needed' : 'the token is wrong', fix);
      return false;
    },
    admitsLookup: (reply) => spend(lookups, reply, 'look-ups'),
  };
}
