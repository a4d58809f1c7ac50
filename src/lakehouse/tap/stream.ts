import type { Socket } from 'node:net';
import type pg from 'pg';
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication';
import { BinaryReader } from 'pg-logical-replication/dist/output-plugins/pgoutput/binary-reader.js';
import type { DatabaseSettings } from '../../config/database.ts';
import { formatLsn, type Lsn, parseLsn } from './lsn.ts';
import { replicationConfig } from './slot.ts';

const STATUS_INTERVAL_MS = 5_000;
/** We ask the server for a sign of life with every status; without one for this long the connection is dead. */
const SILENCE_MS = 45_000;

export interface StreamHandlers {
  /** A message of the stream and its size in bytes. */
  onMessage(message: Pgoutput.Message, bytes: number): void;
  /** The server has sent everything up to `lsn`. */
  onKeepalive(lsn: Lsn, replyRequested: boolean): void;
}

// The library's TextDecoder takes U+FEFF at the start of a value for a byte order mark, and drops it: it is data.
BinaryReader.prototype.decodeText = ({ buffer, byteOffset, byteLength }) =>
  Buffer.from(buffer, byteOffset, byteLength).toString('utf8');

/** pgoutput with values left as the text that PostgreSQL prints: parsed, numerics and microseconds would suffer. */
class TextPlugin extends PgoutputPlugin {
  lastBytes = 0;
  socket: Socket | null = null;

  override parse(buffer: Buffer): Pgoutput.Message {
    this.lastBytes = buffer.length;
    const message = super.parse(buffer);
    // the library keeps this very object and parses the rows that follow with it
    if (message.tag === 'relation') for (const column of message.columns) column.parser = asText;
    return message;
  }

  override start(client: pg.Client, slot: string, lsn: string): Promise<unknown> {
    this.socket = (client as unknown as { connection: { stream: Socket } }).connection.stream;
    return super.start(client, slot, lsn);
  }
}

const asText = (text: string): string => text;

/** One connection to the slot. Nothing is confirmed but by `confirm`. */
export class ReplicationStream {
  readonly #service: LogicalReplicationService;
  readonly #plugin: TextPlugin;
  readonly #slot: string;
  readonly #handlers: StreamHandlers;
  #confirmed: Lsn;
  #heardAt = performance.now();
  #paused = false;

  constructor(
    settings: DatabaseSettings,
    slot: string,
    publication: string,
    from: Lsn,
    handlers: StreamHandlers,
  ) {
    this.#slot = slot;
    this.#handlers = handlers;
    this.#confirmed = from;
    this.#plugin = new TextPlugin({ protoVersion: 1, publicationNames: [publication] });
    this.#service = new LogicalReplicationService(replicationConfig(settings), {
      acknowledge: { auto: false, timeoutSeconds: 0 },
    });
  }

  /** Reads until `stop` (then resolves) or until the connection is lost (then rejects). */
  async run(onStart: () => void): Promise<void> {
    const service = this.#service;
    const broken = new Promise<never>((_, reject) => {
      service.on('error', reject);
      service.on('data', (_lsn, message: Pgoutput.Message) => {
        this.#heardAt = performance.now();
        try {
          this.#handlers.onMessage(message, this.#plugin.lastBytes);
        } catch (error) {
          reject(error);
        }
      });
      service.on('heartbeat', (lsn, _time, replyRequested) => {
        this.#heardAt = performance.now();
        this.#handlers.onKeepalive(parseLsn(lsn), replyRequested);
        if (replyRequested) this.#status(false);
      });
      service.on('start', () => {
        this.#heardAt = performance.now();
        onStart();
      });
    });
    broken.catch(() => undefined);
    const ticker = setInterval(() => {
      const silent = performance.now() - this.#heardAt;
      if (!this.#paused && silent > SILENCE_MS) {
        this.#plugin.socket?.destroy(new Error('the source has been silent for too long: connection lost'));
      } else this.#status(true);
    }, STATUS_INTERVAL_MS);
    try {
      await Promise.race([service.subscribe(this.#plugin, this.#slot, formatLsn(this.#confirmed)), broken]);
    } finally {
      clearInterval(ticker);
    }
  }

  /** Everything before `lsn` is durable here: the source may forget it. */
  confirm(lsn: Lsn): void {
    if (lsn > this.#confirmed) this.#confirmed = lsn;
    this.#status(false);
  }

  pause(): void {
    this.#paused = true;
    this.#plugin.socket?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#heardAt = performance.now();
    this.#plugin.socket?.resume();
  }

  async stop(): Promise<void> {
    this.resume();
    await this.#service.stop().catch(() => undefined);
  }

  #status(ping: boolean): void {
    // the library reports the byte after the one it is given. Reported as it is, a transaction whose commit record
    // follows ours at once would count as read
    this.#service.acknowledge(formatLsn(this.#confirmed - 1n), ping).catch(() => undefined);
  }
}
