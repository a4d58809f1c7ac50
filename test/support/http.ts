import { connect } from 'node:net';
import { createHttpServer, type HttpServer } from '../../src/http/server.ts';
import { type Logger, silentLogger } from '../../src/lib/logger.ts';
import { FakeStatusSource } from './fake-status-source.ts';

export interface RunningPage {
  readonly server: HttpServer;
  readonly source: FakeStatusSource;
  readonly base: string;
  readonly port: number;
}

/** A server on a free port of loopback, before a shop in memory. The caller stops it. */
export async function startPage(
  config: {
    host?: string;
    controlToken?: string;
    requestTimeoutMs?: number;
    frameMs?: number;
    logger?: Logger;
    lakehouse?: () => Promise<unknown>;
  } = {},
  source = new FakeStatusSource(),
): Promise<RunningPage> {
  const server = createHttpServer({
    config: {
      host: config.host ?? '127.0.0.1',
      port: 0,
      portWasSet: true,
      controlToken: config.controlToken,
    },
    logger: config.logger ?? silentLogger(),
    source,
    version: '0.1.0',
    frameMs: config.frameMs ?? 50,
    requestTimeoutMs: config.requestTimeoutMs ?? 10_000,
    ...(config.lakehouse === undefined ? {} : { lakehouse: config.lakehouse }),
  });
  await server.start();
  const port = Number(new URL(server.url).port);
  return { server, source, base: `http://127.0.0.1:${port}`, port };
}

/** Sends bytes as they are, and returns what came back until the server closed or `untilMs` passed. */
export async function sendRaw(port: number, bytes: string, untilMs = 30_000): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const timer = setTimeout(() => socket.destroy(), untilMs);
    socket.on('data', (data) => {
      received += data.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(received);
    });
  });
}

export interface StreamEvent {
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the stream says; tests look at single values
  readonly data: any;
}

/** Opens `/api/events`; `next` resolves with the next event of that name. */
export async function openStream(base: string): Promise<{
  next(event: string): Promise<StreamEvent>;
  ended: Promise<void>;
  close(): void;
}> {
  const abort = new AbortController();
  const response = await fetch(`${base}/api/events`, { signal: abort.signal });
  if (response.status !== 200 || response.body === null) throw new Error(`stream: ${response.status}`);
  const { body } = response;
  const queue: StreamEvent[] = [];
  let wake = () => {};
  let over = false;
  const ended = (async () => {
    let rest = '';
    try {
      for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
        rest += chunk;
        const blocks = rest.split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const event = /^event: (.*)$/m.exec(block)?.[1] ?? 'message';
          queue.push({ event, data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? 'null') });
        }
        wake();
      }
    } catch {
      // aborted by the test, or cut off by the server
    }
    over = true;
    wake();
  })();
  return {
    ended,
    close: () => abort.abort(),
    async next(event) {
      for (;;) {
        const index = queue.findIndex((entry) => entry.event === event);
        const found = queue[index];
        if (found) {
          queue.splice(0, index + 1);
          return found;
        }
        if (over) throw new Error(`the stream ended before an event ${event}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
