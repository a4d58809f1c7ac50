import type pg from 'pg';
import type { DatabaseSettings } from '../../src/config/database.ts';
import { publishedTables } from '../../src/db/schema.ts';

export interface TestSubscription {
  readonly slot: string;
  /** Resolves when the subscriber has confirmed everything that the source has written so far. */
  caughtUp(): Promise<void>;
  /** Runs `work` at the source so that nothing of it ever reaches the subscriber: a real loss. */
  losing(work: () => Promise<void>): Promise<void>;
  disable(): Promise<void>;
  enable(): Promise<void>;
  drop(): Promise<void>;
}

/** Polls until `condition` holds; a loaded machine gets a minute. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited for a minute, in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * Publishes every table at `source` and subscribes at `target` (migrated, empty), also within one server: there the
 * slot has to be made beforehand.
 */
export async function subscribe(
  source: { readonly pool: pg.Pool; readonly settings: DatabaseSettings },
  target: pg.Pool,
  name: string,
): Promise<TestSubscription> {
  const { host, port, database, user, password } = source.settings;
  const tables = publishedTables.map((table) => `public.${table}`).join(', ');
  await source.pool.query(
    `CREATE PUBLICATION ${name} FOR TABLE ${tables} WITH (publish = 'insert, update, delete')`,
  );
  await source.pool.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [name]);
  await target.query(
    `CREATE SUBSCRIPTION ${name} CONNECTION 'host=${host} port=${port} dbname=${database} user=${user} password=${password ?? ''}'
     PUBLICATION ${name} WITH (create_slot = false, slot_name = '${name}')`,
  );
  const insertLsn = async () => {
    const result = await source.pool.query<{ lsn: string }>(
      'SELECT pg_current_wal_insert_lsn()::text AS lsn',
    );
    return result.rows[0]?.lsn;
  };
  const inactive = () =>
    until('the slot is free', async () => {
      const slot = await source.pool.query('SELECT active FROM pg_replication_slots WHERE slot_name = $1', [
        name,
      ]);
      return slot.rows[0]?.active === false;
    });
  const disable = async () => {
    await target.query(`ALTER SUBSCRIPTION ${name} DISABLE`);
    await inactive();
  };
  const enable = async () => {
    await target.query(`ALTER SUBSCRIPTION ${name} ENABLE`);
  };
  const caughtUp = async () => {
    const copied = await target.query('SELECT 1 FROM pg_subscription WHERE subname = $1 AND subenabled', [
      name,
    ]);
    if (copied.rowCount === 0) throw new Error('the subscription is disabled');
    await until('the first copy is done', async () => {
      const open = await target.query(
        `SELECT 1 FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid
         WHERE s.subname = $1 AND r.srsubstate <> 'r'`,
        [name],
      );
      return open.rowCount === 0;
    });
    const lsn = (await source.pool.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn'))
      .rows[0]?.lsn;
    await until('the subscriber has confirmed', async () => {
      const slot = await source.pool.query(
        'SELECT confirmed_flush_lsn >= $2::pg_lsn AS done FROM pg_replication_slots WHERE slot_name = $1',
        [name, lsn],
      );
      return slot.rows[0]?.done === true;
    });
  };
  return {
    slot: name,
    caughtUp,
    disable,
    enable,
    losing: async (work) => {
      await caughtUp();
      await disable();
      await work();
      // with asynchronous commit the WAL is flushed a moment later, and a slot advances to what is flushed only
      const lsn = await insertLsn();
      await until('the WAL is flushed', async () => {
        const flushed = await source.pool.query('SELECT pg_current_wal_flush_lsn() >= $1::pg_lsn AS done', [
          lsn,
        ]);
        return flushed.rows[0]?.done === true;
      });
      await source.pool.query('SELECT pg_replication_slot_advance($1, $2::pg_lsn)', [name, lsn]);
      await enable();
    },
    drop: async () => {
      await disable();
      await target.query(`ALTER SUBSCRIPTION ${name} SET (slot_name = NONE)`);
      await target.query(`DROP SUBSCRIPTION ${name}`);
      await source.pool.query('SELECT pg_drop_replication_slot($1)', [name]);
    },
  };
}
