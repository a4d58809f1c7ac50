import { describe, expect, it } from 'vitest';
import { adviceFor, isAboutRow } from '../../../src/db/advice.ts';
import { Complaints } from '../../../src/db/complaints.ts';
import { createLogger } from '../../../src/lib/logger.ts';

const failure = (code: string, message: string, details: Readonly<Record<string, string>> = {}) =>
  Object.assign(new Error(message), { code, ...details });

const ADVICE: readonly (readonly [
  code: string,
  message: string,
  details: Record<string, string>,
  says: RegExp,
])[] = [
  [
    '23502',
    'null value',
    { schema: 'public', table: 'pedidos', column: 'Obs "x"' },
    /ALTER TABLE public\.pedidos ALTER COLUMN "Obs ""x""" DROP NOT NULL/,
  ],
  [
    '23514',
    'check',
    { schema: 'public', table: 'pedidos', constraint: 'nem três' },
    /DROP CONSTRAINT "nem três"/,
  ],
  [
    '23505',
    'duplicate',
    { schema: 'public', table: 'pedidos', constraint: 'pedidos_pkey' },
    /sequence .* npm run sim -- migrate/,
  ],
  [
    '23505',
    'duplicate',
    { schema: 'public', table: 'pedidos', constraint: 'so_um' },
    /DROP CONSTRAINT so_um/,
  ],
  ['23503', 'fk', { schema: 'public', table: 'pedidos', constraint: 'pedidos_id_status_fkey' }, /restore it/],
  ['42P01', 'relation "public.itenspedido" does not exist', {}, /npm run sim -- migrate/],
  ['42703', 'column does not exist', {}, /npm run sim -- migrate/],
  ['42501', 'permission denied for schema simulator', {}, /GRANT/],
  [
    '42501',
    'new row violates row-level security policy for table "pedidos"',
    {},
    /NO FORCE ROW LEVEL SECURITY/,
  ],
  ['57014', 'canceling statement due to statement timeout', {}, /statement_timeout = 0/],
  [
    'P0001',
    'não',
    { where: 'PL/pgSQL function "Bumm!"() line 1 at RAISE' },
    /function "Bumm!"\).*DISABLE TRIGGER/,
  ],
  ['22012', 'division by zero', { where: 'PL/pgSQL function audit.f() line 3' }, /function audit\.f\)/],
  ['57P01', 'terminating connection', {}, /server runs/],
  ['99999', 'something', {}, /doctor/],
];

describe('an error of the server’s', () => {
  it.each(ADVICE)('%s (%s) is told with what to do', (code, message, details, says) => {
    expect(adviceFor(failure(code, message, details))).toMatch(says);
  });

  it('that is a bug of ours, or none of the server’s, keeps its stack', () => {
    for (const error of [
      new TypeError('x'),
      failure('ECONNRESET', 'x'),
      failure('42601', 'syntax error'),
      'text',
      null,
    ])
      expect(adviceFor(error)).toBeUndefined();
  });

  it('never quotes what the server says of the row', () => {
    const error = failure('23505', 'duplicate key', {
      constraint: 'clientes_cpf_key',
      detail: 'Key (cpf)=(123.456.789-09) already exists.',
      where: 'SQL statement "INSERT … maria@exemplo" PL/pgSQL function f() line 2',
    });
    expect(adviceFor(error)).not.toMatch(/123\.456|maria/);
  });

  it('is about a row when another row may go through', () => {
    expect(['23514', '22003', 'P0001'].map((code) => isAboutRow(failure(code, '')))).toEqual([
      true,
      true,
      true,
    ]);
    expect(['42P01', '55000', '40001', ''].map((code) => isAboutRow(failure(code, '')))).not.toContain(true);
  });
});

describe('complaints', () => {
  function setUp() {
    const lines: Readonly<Record<string, unknown>>[] = [];
    const state = { nowMs: 0 };
    const destination = {
      write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]),
    };
    const logger = createLogger({ level: 'info', format: 'json', destination });
    return { lines, state, complaints: new Complaints(logger, () => state.nowMs) };
  }

  it('tell each kind once, and after a minute how often it came since', () => {
    const { lines, state, complaints } = setUp();
    for (let i = 0; i < 500; i++) complaints.tell('could not', failure('P0001', `order ${i} is refused`));
    complaints.tell('could not', failure('23514', 'check', { table: 'pedidos', constraint: 'a' }));
    complaints.tell('could not', failure('23514', 'check', { table: 'pedidos', constraint: 'b' }));
    expect(lines).toHaveLength(3);
    state.nowMs += 60_000;
    complaints.tell('could not', failure('P0001', 'order 500 is refused'));
    expect(lines).toHaveLength(4);
    expect(lines[3]).toMatchObject({
      failures: 500,
      msg: expect.stringContaining('(500 times since the last such line)'),
    });
  });

  it('carry the fix and no stack for the server’s, and a stack for a bug', () => {
    const { lines, complaints } = setUp();
    complaints.tell(
      'could not place an order',
      failure('42P01', 'relation "public.itenspedido" does not exist'),
    );
    complaints.tell('could not place an order', new TypeError('undefined is not a function'));
    expect(lines[0]).toMatchObject({
      level: 'error',
      code: '42P01',
      fix: expect.stringContaining('migrate'),
    });
    expect(lines[0]).not.toHaveProperty('err');
    expect(lines[1]).toMatchObject({ err: { stack: expect.stringContaining('TypeError') } });
  });
});
