import { createServer, type Server } from 'node:http';
import { PassThrough } from 'node:stream';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openApiDocument } from '../../../src/http/openapi.ts';
import { createHttpServer } from '../../../src/http/server.ts';
import { OperatorError } from '../../../src/lib/errors.ts';
import { createLogger, silentLogger } from '../../../src/lib/logger.ts';
import { FakeStatusSource } from '../../support/fake-status-source.ts';
import { type RunningPage, startPage } from '../../support/http.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let page: RunningPage;
/** What the lakehouse has published; null: none has run. */
let lakehouse: unknown = { dashboards: [] };
beforeAll(async () => {
  page = await startPage({ lakehouse: async () => lakehouse });
});
afterAll(() => page.server.stop());

const json = { 'content-type': 'application/json' };
const patch = (base: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${base}/api/settings`, {
    method: 'PATCH',
    headers: { ...json, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

describe('what it answers', () => {
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema({ $id: 'api', ...openApiDocument('0.1.0') });

  function conforms(name: string, value: unknown): void {
    const validate = ajv.getSchema(`api#/components/schemas/${name}`);
    expect(validate, `schema ${name}`).toBeDefined();
    expect(validate?.(value), JSON.stringify(validate?.errors)).toBe(true);
  }

  it.each([
    ['GET', '/healthz', 200, 'Health'],
    ['GET', '/readyz', 200, 'Readiness'],
    ['GET', '/api/status', 200, 'Status'],
    ['GET', '/api/settings', 200, 'Settings'],
    ['GET', '/api/orders/12000', 200, 'Order'],
    ['GET', '/api/orders/999999', 404, 'Problem'],
    ['GET', '/api/orders/12x', 400, 'Problem'],
    ['GET', '/nothing', 404, 'Problem'],
    ['POST', '/api/doctor', 200, 'DoctorReport'],
  ])('%s %s gives %i as the OpenAPI document says', async (method, path, status, schema) => {
    const response = await fetch(page.base + path, { method });
    expect(response.status).toBe(status);
    const body: unknown = await response.json();
    conforms(schema, body);
    expect(response.headers.get('content-type')).toMatch(
      schema === 'Problem' ? /^application\/problem\+json/ : /^application\/json/,
    );
  });

  it('hands out what the lakehouse published, or says how to start one', async () => {
    const ask = () => fetch(`${page.base}/api/lakehouse`);
    expect(await (await ask()).json()).toEqual({ dashboards: [] });
    lakehouse = null;
    const none = await ask();
    lakehouse = { dashboards: [] };
    expect(none.status).toBe(404);
    const body = await none.json();
    conforms('Problem', body);
    expect(body).toMatchObject({ fix: expect.stringContaining('npm run lakehouse') });
  });

  it('describes every route of the API, and no other', async () => {
    const document = (await (await fetch(`${page.base}/api/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, Record<string, unknown>>;
    };
    expect(document.openapi).toBe('3.1.0');
    for (const [path, operations] of Object.entries(document.paths)) {
      if (path === '/api/events') continue;
      const method = Object.keys(operations).find((name) => name !== 'parameters') ?? 'get';
      const response = await fetch(page.base + path.replace('{id}', '1'), { method: method.toUpperCase() });
      await response.body?.cancel();
      expect(response.status, `${method} ${path}`).toBeLessThan(400);
    }
    conforms('Settings', await (await patch(page.base, { rate: 75 })).json());
  });

  it('sends the policy and the other security headers with every answer', async () => {
    for (const path of ['/', '/api/status', '/metrics', '/nothing', '/healthz']) {
      const response = await fetch(page.base + path);
      await response.body?.cancel();
      const policy = response.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toContain('unsafe');
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('x-frame-options')).toBe('DENY');
      expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    }
  });

  it('serves the page and all that it names from here, without a word of script or style inside it', async () => {
    const html = await (await fetch(`${page.base}/`)).text();
    expect(html).not.toMatch(/<style|style="|<script(?![^>]*\bsrc=)|\son\w+="|https?:\/\//);
    const named = [...html.matchAll(/(?:src|href)="(\/[^"]*)"/g)]
      .map((match) => match[1] ?? '')
      .filter((path) => path.includes('.') && !path.startsWith('/api'));
    expect(named.length).toBeGreaterThan(2);
    for (const path of named) {
      const response = await fetch(page.base + path);
      await response.body?.cancel();
      expect(response.status, path).toBe(200);
      const again = await fetch(page.base + path, {
        headers: { 'if-none-match': response.headers.get('etag') ?? '' },
      });
      expect(again.status, path).toBe(304);
    }
  });

  it('leaves no way out of its directory', async () => {
    for (const path of [
      '/../server.ts',
      '/..%2fserver.ts',
      '/%2e%2e/server.ts',
      '/vendor/..%2f..%2fpackage.json',
    ]) {
      expect((await fetch(page.base + path)).status, path).toBe(404);
    }
  });
});

describe('changing something', () => {
  // control takes twenty at once: these tests have a server to themselves
  let own: RunningPage;
  beforeAll(async () => {
    own = await startPage();
  });
  afterAll(() => own.server.stop());

  it('reaches the source, and says what holds then', async () => {
    const response = await patch(own.base, { rate: 600, paused: true });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ ratePerMinute: 600, rateOverride: 600, paused: true });
    expect(own.source.changes.at(-1)).toEqual({ rate: 600, paused: true });
    expect(await (await patch(own.base, { rate: null, paused: false })).json()).toMatchObject({
      rateOverride: null,
      paused: false,
    });
  });

  it.each([
    ['{"rate":"600"}', 400],
    ['{"rate":-1}', 400],
    ['{"rate":1e9}', 400],
    ['{"paused":1}', 400],
    ['{"paused":true,"admin":true}', 400],
    ['{}', 400],
    ['[]', 400],
    ['{"rate":', 400],
    ['{"__proto__":{"rate":1},"rate":2}', 400],
    ['', 400],
    [`{"rate":1${' '.repeat(2000)}}`, 413],
  ])('refuses %s', async (body, status) => {
    const before = own.source.changes.length;
    const response = await patch(own.base, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ status, detail: expect.any(String) });
    expect(own.source.changes.length).toBe(before);
  });

  it('takes nothing but JSON, and nothing from another site', async () => {
    const before = own.source.changes.length;
    expect((await patch(own.base, 'rate=1', { 'content-type': 'text/plain' })).status).toBe(415);
    for (const headers of [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      expect((await patch(own.base, { rate: 1 }, headers as Record<string, string>)).status).toBe(403);
    }
    expect(own.source.changes.length).toBe(before);
  });

  it('is limited: too many are told when to come back', async () => {
    const own = await startPage();
    try {
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => patch(own.base, { paused: false })),
      );
      const refused = answers.filter((response) => response.status === 429);
      expect(refused.length).toBeGreaterThan(5);
      expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(answers.some((response) => response.status === 200)).toBe(true);
    } finally {
      await own.server.stop();
    }
  });
});

describe('the token', () => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  async function startWithLog(config: { host?: string; controlToken?: string }) {
    const out = new PassThrough();
    let log = '';
    out.on('data', (chunk) => {
      log += String(chunk);
    });
    const logger = createLogger({ level: 'info', format: 'json', destination: out });
    const own = await startPage({ ...config, logger });
    stops.push(() => own.server.stop());
    return { ...own, log: () => log };
  }

  it('is made at start when bound beyond loopback, and the logged link carries it', async () => {
    const own = await startWithLog({ host: '0.0.0.0' });
    const token = new URL(own.server.link).searchParams.get('token') ?? '';
    expect(token.length).toBeGreaterThan(20);
    expect(own.log()).toContain(own.server.link);
    expect((await patch(own.base, { rate: 5 })).status).toBe(401);
    expect((await patch(own.base, { rate: 5 }, { authorization: `Bearer ${token}x` })).status).toBe(401);
    expect((await fetch(`${own.base}/api/doctor`, { method: 'POST' })).status).toBe(401);
    expect(own.source.changes).toEqual([]);
    expect((await patch(own.base, { rate: 5 }, { authorization: `Bearer ${token}` })).status).toBe(200);
    expect(own.source.changes).toEqual([{ rate: 5 }]);
    const status = await (await fetch(`${own.base}/api/status`)).text();
    expect(status).not.toContain(token);
  });

  it('that the operator set is asked for everywhere and printed nowhere', async () => {
    const own = await startWithLog({ controlToken: 'correct-horse-battery' });
    expect((await patch(own.base, { rate: 5 })).status).toBe(401);
    expect(
      (await patch(own.base, { rate: 5 }, { authorization: 'Bearer correct-horse-battery' })).status,
    ).toBe(200);
    expect(own.server.link).not.toContain('correct-horse');
    expect(own.log()).not.toContain('correct-horse');
    expect(own.log()).toContain('status page');
  });

  it('is not needed on loopback', async () => {
    const own = await startWithLog({});
    expect(own.server.link).not.toContain('token');
    expect((await patch(own.base, { rate: 5 })).status).toBe(200);
  });
});

describe('when the database is away', () => {
  it('says 503 and keeps what the driver said to itself', async () => {
    const source = new FakeStatusSource();
    const own = await startPage({}, source);
    try {
      source.failing = true;
      source.database = 'lost';
      for (const path of ['/api/settings', '/api/orders/12000', '/readyz']) {
        const response = await fetch(own.base + path);
        expect(response.status, path).toBe(503);
        expect(await response.text()).not.toMatch(/hunter2|postgres:/);
      }
      expect((await patch(own.base, { paused: true })).status).toBe(503);
      expect((await fetch(`${own.base}/healthz`)).status).toBe(200);
      expect((await fetch(`${own.base}/metrics`)).status).toBe(200);
    } finally {
      await own.server.stop();
    }
  });

  it('starts and serves the page although the source never answers', async () => {
    const source = new FakeStatusSource();
    source.hanging = true;
    const own = await startPage({}, source);
    try {
      expect((await fetch(`${own.base}/`)).status).toBe(200);
      expect(await (await fetch(`${own.base}/api/status`)).json()).toMatchObject({ status: null });
    } finally {
      await own.server.stop();
    }
  });
});

describe('the port', () => {
  let taken: Server;
  let port: number;
  beforeAll(async () => {
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    port = (taken.address() as { port: number }).port;
  });
  afterAll(() => new Promise((resolve) => taken.close(resolve)));

  const create = (config: { host?: string; port: number; portWasSet: boolean }) =>
    createHttpServer({
      config: { host: '127.0.0.1', controlToken: undefined, ...config },
      logger: silentLogger(),
      source: new FakeStatusSource(),
      version: '0.1.0',
    });

  it('moves to a free one when the default is taken', async () => {
    const server = create({ port, portWasSet: false });
    await server.start();
    expect(Number(new URL(server.url).port)).toBeGreaterThan(port);
    await server.stop();
    await server.stop();
  });

  it('is an error with the fix when it was set', async () => {
    const error: unknown = await create({ port, portWasSet: true })
      .start()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OperatorError);
    expect(error).toMatchObject({
      message: expect.stringContaining(`HTTP_PORT=${port}`),
      fix: expect.stringContaining('free port'),
    });
  });

  it('says which address is none of this machine', async () => {
    await expect(create({ host: '192.0.2.1', port: 0, portWasSet: true }).start()).rejects.toMatchObject({
      fix: expect.stringContaining('HTTP_HOST'),
    });
  });
});
