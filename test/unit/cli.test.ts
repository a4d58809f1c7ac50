import { describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli.ts';
import type { CommandContext } from '../../src/command-context.ts';
import { UsageError } from '../../src/lib/errors.ts';
import { checkTarget } from '../../src/verify/targets/open.ts';
import { HOSTILE_TEXTS } from '../support/hostile-text.ts';

async function run(...argv: string[]): Promise<{ code: number; printed: string }> {
  let printed = '';
  const write = (text: string) => {
    printed += text;
  };
  const mustNotRun = () => {
    throw new Error('a command ran');
  };
  const context = {
    print: write,
    printError: write,
    config: mustNotRun,
    logger: mustNotRun,
    daemonLogger: mustNotRun,
  } as unknown as CommandContext;
  const code = await runCli(argv, context);
  return { code, printed };
}

describe('the command line', () => {
  it.each([
    ['statu', 'status'],
    ['verfy', 'verify'],
    ['setup_cdc', 'setup-cdc'],
  ])('takes %s for no command, and guesses %s', async (typed, meant) => {
    const { code, printed } = await run(typed);
    expect(code).toBe(2);
    expect(printed).toContain(`there is no command "${typed}"`);
    expect(printed).toContain(`did you mean ${meant}?`);
  });

  it('does not guess at what is far from every command, but lists them', async () => {
    const { code, printed } = await run('frobnicate', '600');
    expect(code).toBe(2);
    expect(printed).toMatch(
      /there is no command "frobnicate"\n {2}fix: The commands are run, migrate, .*verify/,
    );
    expect(printed).not.toContain('did you mean');
  });

  it('refuses an argument of run', async () => {
    expect(await run('run', 'fast')).toMatchObject({ code: 2 });
  });
});

/** Where a text of the operator's enters, and what is right there. */
const ARGUMENTS: readonly (readonly [
  name: string,
  argv: (text: string) => readonly string[],
  right: RegExp,
])[] = [
  ['rate', (text) => ['rate', '--', text], /^(default|\d{1,7}(\.\d+)?|0{1,400})$/i],
  ['verify --lag', (text) => verify('--lag', text), /^\s*\d{1,9}(\.\d{1,3})?(ms|s|m|h)?\s*$/],
  ['verify --wait', (text) => verify('--wait', text), /^\s*\d{1,9}(\.\d{1,3})?(ms|s|m|h)?\s*$/],
  ['verify --probes', (text) => verify('--probes', text), /^\s*\d{1,4}\s*$/],
  ['verify --bucket-rows', (text) => verify('--bucket-rows', text), /^\s*\d{2,6}\s*$/],
  ['verify --tables', (text) => verify('--tables', text), /^$/],
  ['verify --events-since', (text) => verify('--events-since', text), /^\d{4}-/],
  ['verify --schema', (text) => verify('--schema', text), /^\P{Cc}{1,63}$/u],
  ['doctor --reader-role', (text) => ['doctor', `--reader-role=${text}`], /^\P{Cc}{1,63}$/u],
  ['setup-cdc --reader-role', (text) => ['setup-cdc', `--reader-role=${text}`], /^\P{Cc}{1,63}$/u],
  [
    'setup-cdc --reader-password',
    (text) => ['setup-cdc', `--reader-password=${text}`],
    /^[^\s\p{Cc}]{8,256}$/u,
  ],
  [
    'lakehouse --refresh',
    (text) => ['lakehouse', `--refresh=${text}`],
    /^\s*\d{1,9}(\.\d{1,3})?(ms|s|m|h)?\s*$/,
  ],
  ['scenario --rows', (text) => ['scenario', 'rollback', `--rows=${text}`], /^\s*\d{1,6}\s*$/],
  [
    'scenario --hold',
    (text) => ['scenario', 'rollback', `--hold=${text}`],
    /^\s*\d{1,9}(\.\d{1,3})?(ms|s|m|h)?\s*$/,
  ],
  ['scenario --schema', (text) => ['scenario', 'rollback', `--schema=${text}`], /^$/],
  ['the name of a scenario', (text) => ['scenario', '--', text], /^(all|clean)$/],
  ['the name of a command', (text) => ['--', text], /^\s*$/],
];
const verify = (option: string, text: string) => ['verify', '--target=postgres://h/d', `${option}=${text}`];

describe('an argument', () => {
  it.each(ARGUMENTS)('of %s is taken when it is right, and explained when not', async (name, argv, right) => {
    for (const text of [...HOSTILE_TEXTS, '999999999h', '1e999', '٣']) {
      const { code, printed } = await run(...argv(text));
      if (printed.includes('a command ran')) {
        expect(text, `${name} took ${JSON.stringify(text.slice(0, 60))}`).toMatch(right);
        continue;
      }
      expect({ code, text: text.slice(0, 60), printed }).toMatchObject({ code: 2 });
      expect(printed, text.slice(0, 60)).not.toMatch(/\n\s+at |[\p{Cf}\p{Zl}\p{Zp}]|(?!\n)\p{Cc}/u);
      expect(printed).toMatch(/fix: |npm run sim -- --help/);
      expect(printed.length).toBeLessThan(4_000);
    }
  });

  it('of --target that names no target is refused, without its password', async () => {
    const targets = [
      ...HOSTILE_TEXTS,
      ...HOSTILE_TEXTS.map((text) => `${text}:x`),
      ...[
        'postgres://u:hunter2%ZZ@h/d',
        'postgres://u:hunter2@h/d?sslmode=maybe',
        'postgresql://u:hunter2@/d',
      ],
      ...[
        'postgres://u:12/hunter2@h/d',
        'postgres://u:hunter2@h:0/d',
        'postgres://u:hunter2@h/d?schema=a%00b',
      ],
      ...['databricks://u:hunter2@h', 'databricks:', 'duckdb:', 'DUCKDB:'],
    ];
    for (const target of targets) {
      const databricks = { token: 't', clientId: undefined, clientSecret: undefined };
      const options = { target, schema: undefined, hevo: false, databricks };
      const error = await checkTarget(options).then(
        () => 'opened',
        (thrown: unknown) => thrown,
      );
      expect(error, target.slice(0, 60)).toBeInstanceOf(UsageError);
      expect((error as UsageError).message).not.toMatch(/hunter2|(?!\n)\p{Cc}/u);
    }
  });
});
