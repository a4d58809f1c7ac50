import type { Pgoutput } from 'pg-logical-replication';
import type { DatabaseSettings } from '../../config/database.ts';
import { explainConnectionError } from '../../db/explain.ts';
import type { Connections } from '../../db/pool.ts';
import { classify, codeOf } from '../../db/sqlstate.ts';
import { Backoff } from '../../lib/backoff.ts';
import { messageOf, OperatorError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { createRandom } from '../../lib/random.ts';
import { once, type Service } from '../../lib/service.ts';
import type { Store } from '../store.ts';
import { type Batch, Batcher, type BatchLimits, defaultLimits } from './batcher.ts';
import type { LandedTable } from './changes.ts';
import { copyTables } from './copy.ts';
import { decideStart, type SourceIdentity, type TapState } from './decide.ts';
import { Landing } from './landing.ts';
import { formatLsn } from './lsn.ts';
import { ensurePublication } from './publication.ts';
import { createSlot, dropSlot, explainSlotError, identify, readSlot, waitUntilFree } from './slot.ts';
import { describeTables, publishedNames } from './source-tables.ts';
import { ReplicationStream } from './stream.ts';

const MIN_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 10_000;
/** The same unexplained error this often in a row, without progress in between, is no accident. */
const MAX_FAILURES = 5;
const DROP_PATIENCE_MS = 5_000;

export interface TapOptions {
  readonly settings: DatabaseSettings;
  readonly connections: Connections;
  readonly store: Store;
  readonly logger: Logger;
  readonly slot: string;
  readonly publication: string;
  readonly limits?: Partial<BatchLimits>;
  /** Leave the slot when stopping: the next start goes on from there, and the source keeps its log until then. */
  readonly keepSlot?: boolean;
  /** How long to wait for a slot that somebody reads from; default 15 s. */
  readonly busyPatienceMs?: number;
  /** Brings the source back where that is ours to do. */
  readonly revive?: () => Promise<void>;
  /** Called after a batch is durable. */
  readonly onApplied?: (applied: Applied) => void;
}

export interface Applied {
  readonly changes: number;
  readonly transactions: number;
  /** From the last commit at the source to its being readable here; both clocks count. */
  readonly lagMs: number | null;
}

export interface TapStats {
  readonly phase: 'starting' | 'copying' | 'streaming' | 'waiting' | 'stopped';
  readonly appliedLsn: string | null;
  readonly lastCommitAt: string | null;
  readonly lagMs: number | null;
  readonly transactions: number;
  readonly changes: number;
  readonly batches: number;
  readonly reconnects: number;
}

/** Lands the source's stream in schema raw, for as long as it runs. */
export class Tap implements Service {
  readonly name = 'tap';
  readonly #options: TapOptions;
  readonly #logger: Logger;
  readonly #abort = new AbortController();
  readonly #backoff = new Backoff({
    minMs: MIN_BACKOFF_MS,
    maxMs: MAX_BACKOFF_MS,
    random: createRandom('tap'),
  });
  readonly #started = Promise.withResolvers<void>();
  readonly #unkeyed = new Set<string>();
  #landing: Landing | undefined;
  #state: TapState | undefined;
  #stream: ReplicationStream | undefined;
  #loop: Promise<void> | undefined;
  /** True once the slot is known to be ours: made here, or found where our file left it. */
  #ownsSlot = false;
  #failures = 0;
  #phase: TapStats['phase'] = 'starting';
  #lastCommitAt: bigint | null = null;
  #lagMs: number | null = null;
  #counts = { transactions: 0, changes: 0, batches: 0, reconnects: 0 };

  constructor(options: TapOptions) {
    this.#options = options;
    this.#logger = options.logger;
    // whoever never waits for the start must not die of its failure
    this.#started.promise.catch(() => undefined);
  }

  /** Resolves once the first copy is complete and the stream runs; rejects with what only an operator can solve. */
  readonly start = once(async () => {
    this.#landing = new Landing(await this.#options.store.connect(), this.#logger);
    await this.#landing.prepare();
    this.#loop = this.#run(this.#landing);
    this.#loop.catch((error: unknown) => this.#started.reject(error));
    await this.#started.promise;
  });

  /** Rejects when the tap gives up; resolves after `stop`. */
  async done(): Promise<void> {
    await this.#loop;
  }

  readonly stop = once(async () => {
    this.#abort.abort();
    await this.#stream?.stop();
    await this.#loop?.catch(() => undefined);
    this.#phase = 'stopped';
    this.#started.resolve();
    if (this.#options.keepSlot !== true && this.#ownsSlot && this.#landing !== undefined)
      await this.#leave(this.#landing);
  });

  stats(): TapStats {
    return {
      phase: this.#phase,
      appliedLsn: this.#state === undefined ? null : formatLsn(this.#state.appliedLsn),
      lastCommitAt:
        this.#lastCommitAt === null ? null : new Date(Number(this.#lastCommitAt / 1000n)).toISOString(),
      lagMs: this.#lagMs,
      ...this.#counts,
    };
  }

  async #run(landing: Landing): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        await this.#session(landing);
        if (!this.#abort.signal.aborted) this.#logger.info('the source ended the stream');
      } catch (error) {
        if (this.#abort.signal.aborted) break;
        const fatal = this.#judge(error);
        if (fatal !== undefined) throw fatal;
        this.#logger.warn(
          { event: 'tap.lost', reason: messageOf(error), attempt: this.#backoff.attempt + 1 },
          `the stream is interrupted: ${messageOf(error)}; trying again`,
        );
      } finally {
        await landing.rollback();
      }
      this.#phase = 'waiting';
      this.#counts.reconnects += 1;
      if (!(await this.#backoff.wait(this.#abort.signal))) break;
      await this.#options.revive?.().catch((error: unknown) => {
        this.#logger.debug({ reason: messageOf(error) }, 'the source could not be started');
      });
    }
  }

  /** The error to give up with, or undefined: try again. */
  #judge(error: unknown): unknown {
    const explained = explainSlotError(error, this.#options.slot);
    if (explained instanceof OperatorError) return explained;
    switch (classify(error)) {
      case 'lost':
      case 'retry':
        return undefined;
      case 'refused':
        return explainConnectionError(error, this.#options.settings) ?? error;
      default:
        if (codeOf(error) === '55006') return undefined;
        this.#failures += 1;
        return this.#failures > MAX_FAILURES ? error : undefined;
    }
  }

  /** From deciding how to start until the connection ends. */
  async #session(landing: Landing): Promise<void> {
    const { settings, connections, slot, publication } = this.#options;
    const { pool } = connections;
    const source = await identify(settings);
    const decision = decideStart(await landing.readState(), await readSlot(pool, slot), source);
    if (decision.kind === 'copy') {
      this.#logger.info({ event: 'tap.copying', why: decision.why }, `copying the source: ${decision.why}`);
      await this.#copy(landing, source, decision.dropSlot);
    } else {
      await this.#ensureTables(landing);
    }
    const state = await landing.readState();
    if (state === null) throw new Error('the state is gone');
    this.#state = state;
    await waitUntilFree(pool, slot, this.#abort.signal, this.#options.busyPatienceMs);
    this.#ownsSlot = true;
    if (this.#abort.signal.aborted) return;
    await this.#follow(landing, state, publication);
  }

  async #follow(landing: Landing, state: TapState, publication: string): Promise<void> {
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => undefined);
    let isOpen = false;
    const batcher = new Batcher(
      {
        write: async (batch) => {
          if (!isOpen) await landing.begin();
          isOpen = true;
          await this.#write(landing, batch);
          isOpen = batch.upTo === null;
        },
        layout: (relation) => this.#layout(landing, relation),
        pause: () => stream.pause(),
        resume: () => stream.resume(),
        fail: failed.reject,
        warn: (message) => this.#logger.warn({ event: 'tap.truncate' }, message),
      },
      state.appliedLsn,
      { ...defaultLimits, ...this.#options.limits },
    );
    const stream = new ReplicationStream(
      this.#options.settings,
      this.#options.slot,
      publication,
      state.appliedLsn,
      {
        onMessage: (message, bytes) => batcher.receive(message, bytes),
        onKeepalive: (lsn, replyRequested) => batcher.keepalive(lsn, replyRequested),
      },
    );
    this.#stream = stream;
    try {
      if (this.#abort.signal.aborted) return;
      const onStart = () => {
        this.#phase = 'streaming';
        this.#started.resolve();
        this.#logger.info(
          { event: 'tap.streaming', from: formatLsn(state.appliedLsn) },
          `streaming from ${formatLsn(state.appliedLsn)}`,
        );
      };
      await Promise.race([stream.run(onStart), failed.promise]);
    } finally {
      await stream.stop();
      this.#stream = undefined;
      await batcher.close().catch(() => undefined);
    }
  }

  async #write(landing: Landing, batch: Batch): Promise<void> {
    for (const relation of batch.relations) await this.#adopt(landing, relation);
    await landing.apply(batch.changes, batch.ingestedAt);
    this.#counts.changes += batch.changes.changes;
    if (batch.upTo === null || this.#state === undefined) return;
    const state = { ...this.#state, appliedLsn: batch.upTo };
    await landing.writeState(state, batch.lastCommitAt);
    await landing.commit();
    this.#state = state;
    this.#stream?.confirm(batch.upTo);
    this.#backoff.reset();
    this.#failures = 0;
    this.#counts.batches += 1;
    this.#counts.transactions += batch.transactions;
    if (batch.transactions > 0 && batch.lastCommitAt !== null) {
      this.#lastCommitAt = batch.lastCommitAt;
      this.#lagMs = Math.max(0, Date.now() - Number(batch.lastCommitAt / 1000n));
    }
    const lagMs = batch.transactions > 0 ? this.#lagMs : null;
    this.#options.onApplied?.({
      changes: batch.changes.changes,
      transactions: batch.transactions,
      lagMs,
    });
  }

  /** The layout under which rows of a relation are folded; new columns are announced, new tables provisional. */
  #layout(landing: Landing, relation: Pgoutput.MessageRelation): LandedTable | undefined {
    if (relation.schema !== 'public') return undefined;
    const names = relation.columns.map((column) => column.name);
    const known = landing.table(relation.name);
    if (known !== undefined) {
      landing.announce(relation.name, names);
      return known;
    }
    const key = relation.replicaIdentity === 'default' ? relation.keyColumns : [];
    if (key.length === 0) return this.#warnUnkeyed(relation.name);
    return { name: relation.name, key, columns: new Map(names.map((name) => [name, 'text'])) };
  }

  /** Gives raw the columns, or the table, that a relation message announced. */
  async #adopt(landing: Landing, relation: Pgoutput.MessageRelation): Promise<void> {
    const layout = this.#layout(landing, relation);
    if (layout === undefined) return;
    const { rows } = await this.#options.connections.pool.query<{ type: string }>(
      'SELECT format_type(oid, mod) AS type FROM unnest($1::oid[], $2::int[]) WITH ORDINALITY AS c (oid, mod, n) ORDER BY n',
      [relation.columns.map((column) => column.typeOid), relation.columns.map((column) => column.typeMod)],
    );
    const columns = new Map(relation.columns.map((column, i) => [column.name, rows[i]?.type ?? 'text']));
    if (landing.table(relation.name) === undefined) {
      this.#logger.warn(
        { event: 'tap.table', table: relation.name },
        `the publication has a new table, ${relation.name}: its changes land from now on; for the rows it had before, npm run sim -- lakehouse reset`,
      );
    }
    await landing.ensureTable({ name: relation.name, key: layout.key, columns });
  }

  #warnUnkeyed(table: string): undefined {
    if (this.#unkeyed.has(table)) return;
    this.#unkeyed.add(table);
    this.#logger.warn(
      { event: 'tap.unkeyed', table },
      `${table} has no primary key and does not land: ALTER TABLE public.${table} ADD PRIMARY KEY (…), then npm run sim -- lakehouse reset`,
    );
  }

  async #ensureTables(landing: Landing): Promise<LandedTable[]> {
    const { connections, publication } = this.#options;
    const names = await publishedNames(connections.pool, publication);
    const tables = await describeTables(connections.pool, names);
    const keyed = tables.filter((table) => table.key.length > 0);
    for (const table of tables) if (table.key.length === 0) this.#warnUnkeyed(table.name);
    for (const table of keyed) await landing.ensureTable(table);
    return keyed;
  }

  async #copy(landing: Landing, source: SourceIdentity, mustDrop: boolean): Promise<void> {
    const { connections, settings, slot, publication } = this.#options;
    this.#phase = 'copying';
    if (mustDrop) await dropSlot(connections.pool, slot, this.#options.busyPatienceMs);
    await ensurePublication(connections.pool, publication);
    const state = { ...source, slot, phase: 'copying', appliedLsn: 0n } as const;
    await landing.writeState(state, null);
    await landing.clear();
    const tables = await this.#ensureTables(landing);
    const snapshot = await createSlot(settings, slot, this.#logger);
    this.#ownsSlot = true;
    let result: Awaited<ReturnType<typeof copyTables>>;
    try {
      result = await copyTables({
        settings,
        snapshotName: snapshot.snapshotName,
        tables,
        landing,
        logger: this.#logger,
        signal: this.#abort.signal,
        onImported: snapshot.release,
      });
    } finally {
      await snapshot.release().catch(() => undefined);
    }
    await landing.writeState({ ...state, phase: 'streaming', appliedLsn: snapshot.consistentLsn }, null);
    this.#logger.info(
      { event: 'tap.copied', ...result, lsn: formatLsn(snapshot.consistentLsn) },
      `copied ${result.rows} rows of ${result.tables} tables in ${(result.ms / 1000).toFixed(1)} s`,
    );
  }

  /** Nobody reads any more: the source need not keep its log for us. */
  async #leave(landing: Landing): Promise<void> {
    const { connections, slot } = this.#options;
    try {
      await dropSlot(connections.pool, slot, DROP_PATIENCE_MS);
      if (this.#state !== undefined) {
        await landing.writeState({ ...this.#state, phase: 'stopped' }, this.#lastCommitAt);
      }
      this.#logger.info({ event: 'tap.stopped', slot }, `the slot ${slot} is dropped: no log is kept for us`);
    } catch (error) {
      this.#logger.warn(
        { event: 'tap.stopped', slot, reason: messageOf(error) },
        `the slot ${slot} could not be dropped: ${messageOf(error)}. While it is there the source keeps its log: SELECT pg_drop_replication_slot('${slot}')`,
      );
    }
  }
}
