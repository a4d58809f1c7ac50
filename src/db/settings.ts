import { sql } from 'kysely';
import type { Db } from './pool.ts';

/** What may be set at run time; kept in the database, so that all workers follow and a restart keeps it. */
export interface Settings {
  /** Overrides ORDERS_PER_MINUTE; null: the configured rate. */
  readonly rate: number | null;
  readonly paused: boolean;
}

/** The shop's birth certificate: its presence says that the database was seeded by us. */
export interface ShopRecord {
  readonly id: string;
  readonly seed: string;
  /** ISO 8601 */
  readonly createdAt: string;
}

export type SettingKey =
  | 'rate'
  | 'paused'
  | 'shop'
  | 'last_verify'
  | 'control_token'
  | 'runs'
  | 'storage_samples';

export async function readSetting<T>(db: Db, key: SettingKey): Promise<T | undefined> {
  const row = await db
    .selectFrom('simulator.settings')
    .select('value')
    .where('key', '=', key)
    .executeTakeFirst();
  return row?.value as T | undefined;
}

export async function writeSetting(db: Db, key: SettingKey, value: unknown): Promise<void> {
  await sql`
    INSERT INTO simulator.settings (key, value) VALUES (${key}, ${JSON.stringify(value)}::jsonb)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = clock_timestamp()
    WHERE settings.value IS DISTINCT FROM excluded.value`.execute(db);
}

export async function readSettings(db: Db): Promise<Settings> {
  const rows = await db
    .selectFrom('simulator.settings')
    .select(['key', 'value'])
    .where('key', 'in', ['rate', 'paused'])
    .execute();
  const value = (key: string) => rows.find((row) => row.key === key)?.value;
  const rate = value('rate');
  return { rate: typeof rate === 'number' && rate >= 0 ? rate : null, paused: value('paused') === true };
}

/**
 * Counts the starts of the shop and returns the number of this one: with it in the name of a random stream, a
 * restart with the same seed does not draw the same people again.
 */
export async function nextRunNumber(db: Db): Promise<number> {
  const result = await sql<{ value: number }>`
    INSERT INTO simulator.settings (key, value) VALUES ('runs', '1'::jsonb)
    ON CONFLICT (key) DO UPDATE SET value = to_jsonb((settings.value)::int + 1), updated_at = clock_timestamp()
    RETURNING (value)::int AS value`.execute(db);
  return result.rows[0]?.value ?? 1;
}

/**
 * The value that the workers of a shop share under `key`: the first of them brings it, and it stays.
 */
export async function sharedSetting(db: Db, key: SettingKey, propose: () => string): Promise<string> {
  await sql`
    INSERT INTO simulator.settings (key, value) VALUES (${key}, ${JSON.stringify(propose())}::jsonb)
    ON CONFLICT (key) DO NOTHING`.execute(db);
  const value = await readSetting<string>(db, key);
  if (value === undefined) throw new Error(`the setting ${key} went away`);
  return value;
}
