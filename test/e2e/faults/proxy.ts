import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Nothing passes any more, and nobody is told. */
  silent: boolean;
}

const LEARNS_AFTER_MS = 15_000;

/** A TCP proxy on loopback that misbehaves when told to. */
export class FaultProxy {
  readonly #targetPort: number;
  readonly #pairs = new Set<Pair>();
  readonly #server: Server;
  #refusing = false;
  #swallowing = false;
  #delayMs = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    // half-open connections are to stay half open
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  static async start(targetPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    return address.port;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Breaks every connection, and every new one until {@link heal}. */
  cut(): void {
    this.#refusing = true;
    this.#breakAll();
  }

  /** Every chunk, in both directions, comes so much later. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Says to the clients that the server will send no more; what they send still arrives there. */
  halfClose(): void {
    for (const { client } of this.#pairs) client.end();
  }

  /** The connections that are there go dead without a word, or the `latest` of them; new ones work. */
  silence(latest = this.#pairs.size): void {
    for (const pair of [...this.#pairs].slice(this.#pairs.size - latest)) pair.silent = true;
  }

  /** All connections go dead without a word, and new ones with them until {@link heal}. */
  blackout(): void {
    this.#swallowing = true;
    this.silence();
  }

  /** New connections work, at full speed. */
  heal(): void {
    this.#refusing = false;
    this.#swallowing = false;
    this.#delayMs = 0;
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #breakAll(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  #accept(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#refusing) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: this.#targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    client.setNoDelay(true);
    const pair: Pair = { client, server, silent: this.#swallowing };
    this.#pairs.add(pair);
    this.#carry(pair, client, server);
    this.#carry(pair, server, client);
    const over = () => {
      this.#pairs.delete(pair);
      client.destroy();
      if (!pair.silent) server.destroy();
    };
    server.on('error', over).on('close', over);
    const left = () => {
      this.#pairs.delete(pair);
      if (!pair.silent) {
        server.destroy();
        return;
      }
      // the server side of a dead connection does not learn of it for long
      setTimeout(() => {
        client.destroy();
        server.destroy();
      }, LEARNS_AFTER_MS).unref();
    };
    client.on('close', left);
    client.on('end', () => {
      if (pair.silent) left();
    });
  }

  #carry(pair: Pair, from: Socket, to: Socket): void {
    let queue: Promise<void> = Promise.resolve();
    const later = (act: () => void) => {
      const delayMs = this.#delayMs;
      queue = queue.then(async () => {
        if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
        if (!pair.silent && to.writable) act();
      });
    };
    from.on('data', (chunk: Buffer) => later(() => to.write(chunk)));
    from.on('end', () => later(() => to.end()));
  }
}
