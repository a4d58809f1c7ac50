import { describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli.ts';
import type { CommandContext } from '../../src/command-context.ts';

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
