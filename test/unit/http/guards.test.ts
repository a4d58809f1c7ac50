import { describe, expect, it } from 'vitest';
import {
  bearerToken,
  hostAllowed,
  isLoopback,
  originAllowed,
  sameToken,
  TokenBucket,
} from '../../../src/http/guards.ts';

describe('the Host header', () => {
  it.each(['127.0.0.1:8080', 'localhost:8080', 'LOCALHOST', '[::1]:8080', '127.1.2.3', 'sim.localhost:1'])(
    'takes %s on loopback',
    (host) => expect(hostAllowed(host, '127.0.0.1')).toBe(true),
  );

  it.each([
    undefined,
    '',
    'evil.example',
    'evil.example:8080',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.evil.example',
    '192.168.1.7:8080',
    'a b',
    '127.0.0.1@evil.example',
  ])('refuses %s on loopback: a foreign name may have been rebound to us', (host) =>
    expect(hostAllowed(host, '127.0.0.1')).toBe(false),
  );

  it('takes address literals, names of one label and the configured name, but no other name, when bound beyond loopback', () => {
    expect(hostAllowed('192.168.1.7:8080', '0.0.0.0')).toBe(true);
    expect(hostAllowed('[fd00::1]:8080', '::')).toBe(true);
    expect(hostAllowed('127.0.0.1:8080', '0.0.0.0')).toBe(true);
    expect(hostAllowed('sim.internal:8080', 'sim.internal')).toBe(true);
    expect(hostAllowed('simulator:8080', '0.0.0.0')).toBe(true);
    expect(hostAllowed('simulator:8080', '127.0.0.1')).toBe(false);
    expect(hostAllowed('evil.example', '0.0.0.0')).toBe(false);
  });

  it('knows loopback by name and by address', () => {
    expect(['::1', '127.0.0.1', 'localhost', '127.8.8.8'].every(isLoopback)).toBe(true);
    expect(['0.0.0.0', '::', '10.0.0.1', 'example.com', '127.example.com'].some(isLoopback)).toBe(false);
  });
});

describe('the Origin of a change', () => {
  const host = '127.0.0.1:8080';

  it('may be our own page or none', () => {
    expect(originAllowed({}, host)).toBe(true);
    expect(originAllowed({ origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }, host)).toBe(true);
  });

  it.each([
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:9999' },
    { origin: `ftp://${host}` },
    { origin: 'nonsense' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ])('is refused when it is %o', (headers) => expect(originAllowed(headers, host)).toBe(false));
});

describe('the token', () => {
  it('is the same or not, whatever the lengths', () => {
    expect(sameToken('correct-horse', 'correct-horse')).toBe(true);
    for (const wrong of ['', 'correct-hors', 'correct-horse ', 'x'.repeat(5000)]) {
      expect(sameToken(wrong, 'correct-horse')).toBe(false);
    }
  });

  it('is read from a bearer header only', () => {
    expect(bearerToken('Bearer abc')).toBe('abc');
    for (const bad of [undefined, '', 'Basic abc', 'Bearer', 'Bearer a b']) {
      expect(bearerToken(bad)).toBeUndefined();
    }
  });
});

describe('the bucket', () => {
  it('gives what it holds, then one for each refill, and says how long to wait', () => {
    let nowMs = 0;
    const bucket = new TokenBucket(3, 0.5, () => nowMs);
    expect([1, 2, 3].map(() => bucket.take().ok)).toEqual([true, true, true]);
    expect(bucket.take()).toEqual({ ok: false, retryAfterSeconds: 2 });
    nowMs = 2000;
    expect(bucket.take().ok).toBe(true);
    expect(bucket.take().ok).toBe(false);
  });

  it('never holds more than its capacity and survives a clock that goes back', () => {
    let nowMs = 1_000_000;
    const bucket = new TokenBucket(2, 1, () => nowMs);
    nowMs = 9_000_000;
    expect([1, 2, 3].map(() => bucket.take().ok)).toEqual([true, true, false]);
    nowMs = 0;
    expect(bucket.take().ok).toBe(false);
  });
});
