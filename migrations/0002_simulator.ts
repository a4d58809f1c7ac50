import { type Kysely, sql } from 'kysely';

const PUBLISHED = [
  'status',
  'formapagamento',
  'canalvenda',
  'categorias',
  'marcas',
  'generocliente',
  'generoproduto',
  'estadocivil',
  'emailmarketing',
  'entregue',
  'clientes',
  'produtos',
  'pedidos',
  'itenspedido',
  'cdc_heartbeat',
];

/** The private schema: what the simulator must remember, and what it notes of its own changes. Never published. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE simulator.settings (
      key text PRIMARY KEY,
      value jsonb NOT NULL,
      updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )`.execute(db);
  await sql`
    CREATE TABLE simulator.workers (
      id uuid PRIMARY KEY,
      name text NOT NULL,
      started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      stats jsonb NOT NULL DEFAULT '{}'
    ) WITH (fillfactor = 50)`.execute(db);
  await sql`
    CREATE TABLE simulator.jobs (
      name text PRIMARY KEY,
      last_run_at timestamptz NOT NULL
    ) WITH (fillfactor = 50)`.execute(db);
  // the first element of next_* is what comes next; a row leaves with the last event of its order
  await sql`
    CREATE TABLE simulator.order_schedule (
      order_id bigint PRIMARY KEY,
      due_at timestamptz NOT NULL,
      next_events smallint[] NOT NULL CHECK (cardinality(next_events) > 0),
      next_at timestamptz[] NOT NULL CHECK (cardinality(next_at) = cardinality(next_events))
    ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500)`.execute(
    db,
  );
  await sql`CREATE INDEX order_schedule_due_at_idx ON simulator.order_schedule (due_at)`.execute(db);
  await sql`
    CREATE TABLE simulator.returning_customers (
      customer_id bigint PRIMARY KEY,
      due_at timestamptz NOT NULL,
      purchases integer NOT NULL
    )`.execute(db);
  await sql`CREATE INDEX returning_customers_due_at_idx ON simulator.returning_customers (due_at)`.execute(
    db,
  );
  // estoque = initial + restocked - (units in orders that are neither cancelled nor returned) - retired,
  // where retired counts such units of orders that retention has deleted
  await sql`
    CREATE TABLE simulator.stock_book (
      product_id bigint PRIMARY KEY,
      initial integer NOT NULL,
      restocked integer NOT NULL DEFAULT 0,
      retired integer NOT NULL DEFAULT 0,
      discontinued_at timestamptz
    ) WITH (fillfactor = 70)`.execute(db);
  await createLedger(db);
}

/**
 * Ledger and tombstones are written by statement-level triggers: whoever changes a published table, in whatever way,
 * is counted in the same transaction, and a rollback takes the note with it.
 */
async function createLedger(db: Kysely<unknown>): Promise<void> {
  // no key and no index: every transaction writes here, and reading is rare
  await sql`
    CREATE TABLE simulator.ledger (
      table_name text NOT NULL,
      op "char" NOT NULL CHECK (op IN ('I', 'U', 'D')),
      row_count bigint NOT NULL,
      noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )`.execute(db);
  await sql`
    CREATE TABLE simulator.ledger_totals (
      table_name text NOT NULL,
      op "char" NOT NULL,
      row_count bigint NOT NULL,
      PRIMARY KEY (table_name, op)
    )`.execute(db);
  await sql`
    CREATE TABLE simulator.tombstones (
      table_name text NOT NULL,
      key bigint NOT NULL,
      deleted_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )`.execute(db);
  await sql`CREATE INDEX tombstones_key_idx ON simulator.tombstones (table_name, key)`.execute(db);
  await sql`
    CREATE FUNCTION simulator.note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
      INSERT INTO simulator.ledger (table_name, op, row_count)
      SELECT TG_TABLE_NAME, pg_catalog.left(TG_OP, 1)::"char", pg_catalog.count(*) FROM changed
      HAVING pg_catalog.count(*) > 0;
      IF TG_OP = 'DELETE' THEN
        INSERT INTO simulator.tombstones (table_name, key) SELECT TG_TABLE_NAME, id FROM changed;
      END IF;
      RETURN NULL;
    END $$`.execute(db);
  for (const table of PUBLISHED) {
    const on = sql`public.${sql.id(table)}`;
    await sql`CREATE TRIGGER simulator_note_insert AFTER INSERT ON ${on} REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION simulator.note_change()`.execute(db);
    await sql`CREATE TRIGGER simulator_note_update AFTER UPDATE ON ${on} REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION simulator.note_change()`.execute(db);
    await sql`CREATE TRIGGER simulator_note_delete AFTER DELETE ON ${on} REFERENCING OLD TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION simulator.note_change()`.execute(db);
  }
}
