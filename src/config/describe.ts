import { type Option, options } from './options.ts';

const all = Object.entries(options) as [string, Option<unknown>][];

function plain(text: string): string {
  return text.replaceAll('`', '');
}

/** The table of variables as `--help` prints it. */
export function describeOptions(): string {
  const width = Math.max(...all.map(([name]) => name.length)) + 2;
  const lines = ['Environment (or .env):'];
  let group = '';
  for (const [name, option] of all) {
    if (option.group !== group) {
      group = option.group;
      lines.push('', `  ${group}`);
    }
    const fallback = option.default === null ? '' : ` [${option.default}]`;
    lines.push(`    ${name.padEnd(width)}${plain(option.description)}${fallback}`);
  }
  return `${lines.join('\n')}\n`;
}

/** The README's table. */
export function markdownTable(): string {
  const rows = all.map(([name, option]) => {
    const fallback = option.default === null ? '–' : `\`${option.default}\``;
    return `| \`${name}\` | ${fallback} | ${option.description.replaceAll('|', '\\|')} |`;
  });
  return ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n');
}

/** The whole of `.env.example`: every variable, commented out, with its default or an example. */
export function envExample(): string {
  const lines = [
    '# Copy to .env and uncomment what you need. Nothing is needed for a first try: without a database of yours,',
    '# npm start brings one along.',
  ];
  let group = '';
  for (const [name, option] of all) {
    if (option.group !== group) {
      group = option.group;
      lines.push('', `# ${'-'.repeat(3)} ${group} ${'-'.repeat(60 - group.length)}`);
    }
    lines.push('', ...wrap(plain(option.description)).map((line) => `# ${line}`));
    lines.push(`# ${name}=${option.default ?? option.example ?? ''}`);
  }
  return `${lines.join('\n')}\n`;
}

function wrap(text: string, width = 96): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}
