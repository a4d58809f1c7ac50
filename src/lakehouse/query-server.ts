import { randomBytes, timingSafeEqual } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import fastify from 'fastify';
import { OperatorError } from '../lib/errors.ts';
import { once, type Service } from '../lib/service.ts';
import { type Endpoint, endpointFile, readEndpoint } from './endpoint.ts';
import { type Answer, answer } from './query.ts';
import type { Store } from './store.ts';

const CONNECTIONS = 2;

/**
 * Answers queries on loopback while this process has the file open: DuckDB lets nobody else in. Reads only, and only
 * for who can read the endpoint file.
 */
export class QueryServer implements Service {
  readonly name = 'lakehouse queries';
  readonly #store: Store;
  readonly #status: () => Promise<unknown>;
  readonly #token = randomBytes(24).toString('base64url');
  readonly #app = fastify({ bodyLimit: 1024 * 1024, forceCloseConnections: true });
  readonly #idle: DuckDBConnection[] = [];
  readonly #busy = new Map<DuckDBConnection, Promise<unknown>>();
  readonly #waiting: ((connection: DuckDBConnection) => void)[] = [];

  constructor(store: Store, status: () => Promise<unknown>) {
    this.#store = store;
    this.#status = status;
  }

  readonly start = once(async () => {
    for (let i = 0; i < CONNECTIONS; i++) this.#idle.push(await this.#store.connect());
    const app = this.#app;
    app.addHook('onRequest', async (request, reply) => {
      if (!this.#isKnown(request.headers.authorization)) await reply.code(401).send({ message: 'no token' });
    });
    app.setErrorHandler(async (error, _request, reply) => {
      const isOurs = error instanceof OperatorError;
      const message = error instanceof Error ? error.message : String(error);
      await reply.code(isOurs ? 400 : 500).send({ message, ...(isOurs ? { fix: error.fix } : {}) });
    });
    app.post('/query', async (request): Promise<Answer> => {
      const { sql } = request.body as { sql?: unknown };
      return this.#withConnection((connection) => answer(connection, typeof sql === 'string' ? sql : ''));
    });
    app.get('/status', async () => this.#status());
    await app.listen({ host: '127.0.0.1', port: 0 });
    const address = app.server.address();
    if (address === null || typeof address === 'string') throw new Error('no port to listen on');
    const endpoint: Endpoint = { pid: process.pid, port: address.port, token: this.#token };
    writeFileSync(endpointFile(this.#store.file), JSON.stringify(endpoint), { mode: 0o600 });
  });

  readonly stop = once(async () => {
    if (readEndpoint(this.#store.file)?.token === this.#token) {
      rmSync(endpointFile(this.#store.file), { force: true });
    }
    await this.#app.close();
    // the file must not be closed under a query
    for (const connection of this.#busy.keys()) connection.interrupt();
    await Promise.allSettled(this.#busy.values());
  });

  #isKnown(header: string | undefined): boolean {
    const given = Buffer.from(header ?? '');
    const wanted = Buffer.from(`Bearer ${this.#token}`);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }

  async #withConnection<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const connection =
      this.#idle.pop() ?? (await new Promise<DuckDBConnection>((resolve) => this.#waiting.push(resolve)));
    const answering = work(connection);
    this.#busy.set(connection, answering);
    try {
      return await answering;
    } finally {
      this.#busy.delete(connection);
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(connection);
      else next(connection);
    }
  }
}
