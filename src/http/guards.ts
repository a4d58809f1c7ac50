import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

/** True for the names and addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  const bare = bareHost(host);
  return (
    bare === 'localhost' ||
    bare.endsWith('.localhost') ||
    bare === '::1' ||
    (isIP(bare) === 4 && bare.startsWith('127.'))
  );
}

/** `[::1]:8080` → `::1`, `Example.com:80` → `example.com`. */
export function bareHost(value: string): string {
  const text = value.trim().toLowerCase();
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(text);
  if (bracketed) return bracketed[1] ?? '';
  if (isIP(text) === 6) return text;
  return text.replace(/:\d+$/, '').replace(/\.$/, '');
}

/**
 * Whether a request's Host header names this server. A foreign name that resolves to this machine is how DNS
 * rebinding works: the browser believes it talks to its own site. An address literal cannot be rebound, nor can a name
 * of one label (a container's, a machine's on this network) be bought; both are taken where the server listens
 * beyond loopback. Other names must be the configured one.
 */
export function hostAllowed(hostHeader: string | undefined, boundTo: string): boolean {
  if (hostHeader === undefined || !/^[\w.:[\]-]{1,255}$/.test(hostHeader)) return false;
  const host = bareHost(hostHeader);
  if (isLoopback(host) || host === bareHost(boundTo)) return true;
  return !isLoopback(boundTo) && (isIP(host) !== 0 || /^[a-z][a-z0-9_-]*$/.test(host));
}

/**
 * Whether a request that changes something comes from our own page, or from no page at all. `null` (a sandboxed
 * frame, a file) and every other site are refused; `sec-fetch-site` says the same for browsers that send no Origin.
 */
export function originAllowed(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  hostHeader: string | undefined,
): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  const origin = headers['origin'];
  if (origin === undefined) return true;
  if (typeof origin !== 'string' || !URL.canParse(origin)) return false;
  const url = new URL(origin);
  return /^https?:$/.test(url.protocol) && url.host === hostHeader?.toLowerCase();
}

/** Compares in a time that depends on neither text. */
export function sameToken(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** `Authorization: Bearer …` */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer (\S{1,256})$/i.exec(authorization ?? '')?.[1];
}

/** So many at once, refilled evenly: what control accepts from all callers together. */
export class TokenBucket {
  readonly #capacity: number;
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  #level: number;
  #atMs: number;

  constructor(capacity: number, perSecond: number, nowMs: () => number) {
    this.#capacity = capacity;
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
    this.#level = capacity;
    this.#atMs = nowMs();
  }

  /** Takes one; otherwise the whole seconds until there is one again. */
  take(): { ok: true } | { ok: false; retryAfterSeconds: number } {
    const nowMs = this.#nowMs();
    this.#level = Math.min(
      this.#capacity,
      this.#level + (Math.max(0, nowMs - this.#atMs) / 1000) * this.#perSecond,
    );
    this.#atMs = nowMs;
    if (this.#level >= 1) {
      this.#level -= 1;
      return { ok: true };
    }
    return { ok: false, retryAfterSeconds: Math.ceil((1 - this.#level) / this.#perSecond) };
  }
}
