import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MAX_VIEWERS } from '../../../src/http/hub.ts';
import { FakeStatusSource } from '../../support/fake-status-source.ts';
import { openStream, type RunningPage, sendRaw, startPage } from '../../support/http.ts';

vi.setConfig({ testTimeout: 90_000 });

const pages: RunningPage[] = [];
afterEach(async () => {
  for (const page of pages.splice(0)) await page.server.stop();
});
async function open(config = {}, source = new FakeStatusSource()): Promise<RunningPage> {
  const page = await startPage(config, source);
  pages.push(page);
  return page;
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`);
    await sleep(50);
  }
}
const viewers = async (page: RunningPage) =>
  ((await (await fetch(`${page.base}/api/status`)).json()) as { viewers: number }).viewers;

async function frameWithEvents(stream: Awaited<ReturnType<typeof openStream>>) {
  for (;;) {
    const { data } = await stream.next('frame');
    if (data.events.length > 0) return data;
  }
}

describe('the stream', () => {
  it('says hello with all that a page needs, then a frame a second with what happened', async () => {
    const page = await open();
    const stream = await openStream(page.base);
    const hello = (await stream.next('hello')).data;
    expect(hello.status.traffic.targetPerMinute).toBe(60);
    expect(hello.series.length).toBeGreaterThan(0);
    page.source.announce(
      'order.placed',
      { orderId: 77, total: '10.00', email: 'ana@example.com' },
      'order of Ana',
    );
    const frame = await frameWithEvents(stream);
    expect(frame.events.at(-1)).toMatchObject({
      event: 'order.placed',
      fields: { orderId: 77 },
      message: null,
    });
    stream.close();
    await stream.ended;
  });

  it('names no person and no secret, whatever the announcement says', async () => {
    const page = await open();
    const stream = await openStream(page.base);
    await stream.next('hello');
    const fields = { customerId: 5, email: 'ana@example.com', cpf: '123.456.789-09', name: 'Ana Prado' };
    page.source.announce('customer.registered', fields, 'Ana Prado registered');
    page.source.announce('database.lost', {}, 'lost postgres://u:hunter2@db/x, asked by ana@example.com');
    const text = JSON.stringify(await frameWithEvents(stream));
    expect(text).toContain('customer.registered');
    expect(text).toContain('database.lost');
    expect(text).not.toMatch(/Ana|ana@|123\.456|hunter2/);
    stream.close();
  });

  it('shows the newest of more events than anybody reads, and counts on', async () => {
    const page = await open();
    const stream = await openStream(page.base);
    await stream.next('hello');
    for (let i = 1; i <= 5000; i++) page.source.announce('order.placed', { orderId: i }, 'placed');
    const { events } = await frameWithEvents(stream);
    expect(events.length).toBe(25);
    expect(events.at(-1)).toMatchObject({ seq: 5000, fields: { orderId: 5000 } });
    stream.close();
  });

  it('forgets a viewer who leaves, and ends with the daemon', async () => {
    const page = await open();
    const streams = await Promise.all(Array.from({ length: 5 }, () => openStream(page.base)));
    await until('five viewers', async () => (await viewers(page)) === 5);
    for (const stream of streams.slice(1)) stream.close();
    await until('one viewer', async () => (await viewers(page)) === 1);
    const left = streams[0];
    await page.server.stop();
    await left?.next('bye');
    await left?.ended;
    expect(page.source.listeners).toBe(0);
  });

  it('asks the doctor once, when the first viewer comes, and never when nobody does', async () => {
    const source = new FakeStatusSource();
    const original = source.status.bind(source);
    source.status = async () => ({ ...(await original()), doctor: null });
    const examine = vi.spyOn(source, 'runDoctor');
    const page = await open({}, source);
    await fetch(`${page.base}/api/status`);
    expect(examine).not.toHaveBeenCalled();
    const streams = await Promise.all([openStream(page.base), openStream(page.base)]);
    for (const stream of streams) await stream.next('hello');
    expect(examine).toHaveBeenCalledTimes(1);
    for (const stream of streams) stream.close();
  });

  it('takes so many viewers and no more', async () => {
    const page = await open();
    const streams = await Promise.all(Array.from({ length: MAX_VIEWERS }, () => openStream(page.base)));
    const refused = await fetch(`${page.base}/api/events`);
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ detail: 'too many viewers' });
    for (const stream of streams) stream.close();
    await until('room again', async () => (await viewers(page)) === 0);
  });

  it('cuts off a viewer who does not read; the others and the shop do not notice', async () => {
    const page = await open({ frameMs: 100 });
    const slow = connect(page.port, '127.0.0.1');
    slow.on('error', () => {});
    slow.pause();
    slow.write('GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    const quick = await openStream(page.base);
    await until('two viewers', async () => (await viewers(page)) === 2);
    // bodies that fill the socket's buffers in some frames
    const wide = 'x'.repeat(60);
    const original = page.source.status.bind(page.source);
    page.source.status = async () => {
      const snapshot = await original();
      const filler = Object.fromEntries(Array.from({ length: 4_000 }, (_, i) => [`${wide}${i}`, i]));
      return { ...snapshot, funnel: { ...snapshot.funnel, movedLastMinute: filler } };
    };
    await until('the slow one is gone', async () => {
      await quick.next('frame');
      return page.source.listeners === 1 && (await quickViewers(page)) === 1;
    });
    await quick.next('frame');
    quick.close();
    slow.destroy();
  });

  const quickViewers = async (page: RunningPage) =>
    Number(/"viewers":(\d+)/.exec(await (await fetch(`${page.base}/api/status`)).text())?.[1]);
});

describe('bad requests', () => {
  it.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    [
      'two lengths',
      'POST /api/doctor HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
      400,
    ],
    ['a header without end', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(100_000)}`, 431],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['another Host', 'GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n', 421],
    [
      'a whole URL to elsewhere',
      'GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
      421,
    ],
    [
      'a body announced as huge',
      'PATCH /api/settings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n{',
      413,
    ],
    ['an unknown method', 'BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
    [
      'a bad escape in the path',
      'GET /api/orders/%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      400,
    ],
  ])('%s gets a short answer and does no harm', async (_name, bytes, status) => {
    const page = await open();
    const received = await sendRaw(page.port, bytes);
    expect(received).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(received.length).toBeLessThan(2000);
    expect((await fetch(`${page.base}/healthz`)).status).toBe(200);
  });

  it('requests that never finish are ended, however many', async () => {
    const page = await open({ requestTimeoutMs: 300 });
    const slow = Array.from({ length: 50 }, () =>
      sendRaw(page.port, 'GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: '),
    );
    const body =
      'PATCH /api/settings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"rate"';
    slow.push(...Array.from({ length: 10 }, () => sendRaw(page.port, body)));
    await until('others are served', async () => (await fetch(`${page.base}/healthz`)).status === 200);
    for (const received of await Promise.all(slow)) expect(received).toMatch(/^HTTP\/1.1 408 |^$/);
    expect(page.source.changes).toEqual([]);
  });
});
