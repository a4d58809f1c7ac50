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

/**
 * Parameters of the statement that differ from order to order: pgbench counts customers up (`base`, the client, `n`), and
 * picks products evenly. Had each order a file of its own, pgbench would do little but plan statements.
 */
const VARYING: Readonly<Record<number, string>> = {
  2: ':product',
  4: '(SELECT preco FROM public.produtos WHERE id = :product)',
  6: ':cid',
  26: ':cid',
  31: "('bench' || :cid || '@example.com')",
  32: ':cid',
};

export interface PgbenchScript {
  readonly text: string;
  readonly variables: Readonly<Record<string, string | number>>;
}

/**
 * The very statement that places an order, with the parameters bound one by one as we do too. `plan`: of a new customer,
 * who buys one product.
 *
 * @param base customers count up from here
 */
export function placeScript(plan: PlannedOrder, products: number, base: number): PgbenchScript {
  if (plan.customer.kind !== 'new' || plan.items.length !== 1) throw new Error('not an order of this kind');
  const { sql, parameters } = placeQuery([plan], 1440);
  const variables: Record<string, string | number> = { n: 0, base };
  const statement = sql
    .replaceAll(/--.*$/gm, '')
    .replaceAll('\n', ' ')
    .replaceAll(/\$(\d+)/g, (_, digits: string) => {
      const number = Number(digits);
      const value = parameters[number - 1];
      const varying = VARYING[number];
      if (varying !== undefined) return varying;
      if (value === null) return 'NULL';
      variables[`p${number}`] = String(value);
      return `:p${number}`;
    });
  const text = `\\set n :n + 1
\\set cid :base + :client_id * 10000000 + :n
\\set product random(1, ${products})
${statement};
`;
  return { text, variables };
}
