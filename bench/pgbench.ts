import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSettings } from '../src/config/database.ts';
import { placeQuery } from '../src/orders/place.ts';
import type { PlannedOrder } from '../src/orders/types.ts';

/** Debian keeps it out of the PATH at times. */
function candidates(): string[] {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort().reverse() : [];
  return ['pgbench', ...versions.map((version) => join(debian, version, 'bin', 'pgbench'))];
}

/** The command, or undefined where it is not installed (Debian: apt-get install postgresql-contrib). */
export function findProgram(name: 'pgbench' | 'psql'): string | undefined {
  return candidates()
    .map((path) => path.replace(/pgbench$/, name))
    .find((path) => spawnSync(path, ['--version'], { stdio: 'ignore' }).status === 0);
}

export function pgEnv(settings: DatabaseSettings): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PGHOST: settings.host,
    PGPORT: String(settings.port),
    PGUSER: settings.user,
    PGPASSWORD: settings.password ?? '',
    PGDATABASE: settings.database,
  };
}

export interface PgbenchOptions {
  readonly clients: number;
  readonly seconds: number;
  /** Each transaction runs one of these files, at random. */
  readonly scripts: readonly string[];
  readonly variables?: Readonly<Record<string, string | number>>;
}

/** Transactions a second as pgbench says, without the time to connect. Prepared statements, as we use them too. */
export async function runPgbench(
  program: string,
  settings: DatabaseSettings,
  options: PgbenchOptions,
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-sim-pgbench-'));
  try {
    const files = options.scripts.flatMap((script, index) => {
      const file = join(folder, `${index}.sql`);
      writeFileSync(file, script);
      return ['-f', file];
    });
    const variables = Object.entries(options.variables ?? {}).flatMap(([name, value]) => [
      '-D',
      `${name}=${value}`,
    ]);
    const { clients, seconds } = options;
    const output = await run(
      program,
      [
        ...['-n', '-M', 'prepared', '-c', String(clients), '-j', '1', '-T', String(seconds)],
        ...variables,
        ...files,
      ],
      pgEnv(settings),
    );
    const tps = /^tps = ([\d.]+)/m.exec(output)?.[1];
    if (tps === undefined) throw new Error(`pgbench did not say how fast it was:\n${output}`);
    return Number(tps);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a program to its end and returns what it printed; throws when it failed. */
export async function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaints += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${program} ended with ${code}:\n${complaints.slice(-2_000)}`);
  return output;
}

export interface PgbenchScript {
  readonly text: string;
  readonly variables: Readonly<Record<string, string | number>>;
}

/** Columns of an item, an order and a customer in the statement: see orders/place.ts. */
const ITEM_COLUMNS = 4;
const ORDER_COLUMNS = 21;

/**
 * Parameters of the statement that differ from order to order: pgbench counts customers up (`base`, the client, `n`), and
 * picks products evenly. Had each order a file of its own, pgbench would do little but plan statements.
 */
function varying(items: number, products: number): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (let item = 0; item < items; item++) {
    const product = item === 0 ? ':product' : `((:product + ${item * 101}) % ${products} + 1)`;
    found.set(item * ITEM_COLUMNS + 2, product);
    found.set(item * ITEM_COLUMNS + 4, `(SELECT preco FROM public.produtos WHERE id = ${product})`);
  }
  const order = items * ITEM_COLUMNS;
  const customer = order + ORDER_COLUMNS;
  found.set(order + 2, ':cid');
  found.set(customer + 1, ':cid');
  found.set(customer + 6, "('bench' || :cid || '@example.com')");
  found.set(customer + 7, ':cid');
  return found;
}

/**
 * The very statement that places an order, with the parameters bound one by one as we do too.
 *
 * @param plan of a new customer
 * @param name tells its parameters from those of other scripts of the run
 */
export function placeScript(plan: PlannedOrder, products: number, name: string): PgbenchScript {
  if (plan.customer.kind !== 'new') throw new Error('not an order of a new customer');
  const { sql, parameters } = placeQuery([plan], 1440);
  const variables: Record<string, string | number> = {};
  const own = varying(plan.items.length, products);
  const statement = sql
    .replaceAll(/--.*$/gm, '')
    .replaceAll('\n', ' ')
    .replaceAll(/\$(\d+)/g, (_, digits: string) => {
      const number = Number(digits);
      const value = parameters[number - 1];
      const other = own.get(number);
      if (other !== undefined) return other;
      if (value === null) return 'NULL';
      variables[`${name}_${number}`] = String(value);
      return `:${name}_${number}`;
    });
  const text = `\\set n :n + 1
\\set cid :base + :client_id * 10000000 + :n
\\set product random(1, ${products})
${statement};
`;
  return { text, variables };
}
