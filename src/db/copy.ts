import { once as event } from 'node:events';
import type { ClientBase } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

export type CopyValue = string | number | null;

/** One line of COPY's text format. Numbers are written as they are, texts escaped, null as \N. */
export function copyLine(values: readonly CopyValue[]): string {
  let line = '';
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (i > 0) line += '\t';
    if (value === null || value === undefined) line += '\\N';
    else if (typeof value === 'number') line += value;
    else line += SPECIAL.test(value) ? value.replace(SPECIAL_ALL, escapeCharacter) : value;
  }
  return `${line}\n`;
}

const SPECIAL = /[\\\t\n\r]/;
const SPECIAL_ALL = /[\\\t\n\r]/g;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function escapeCharacter(character: string): string {
  return ESCAPES[character] ?? character;
}

/** Loads lines made by {@link copyLine} with one COPY. `table` and `columns` are trusted text, not input. */
export async function copyRows(
  client: ClientBase,
  table: string,
  columns: readonly string[],
  lines: readonly string[],
): Promise<void> {
  if (lines.length === 0) return;
  const stream = client.query(copyFrom(`COPY ${table} (${columns.join(', ')}) FROM STDIN`));
  const finished = event(stream, 'finish');
  // in pieces, so that a long load does not sit in memory twice
  const PIECE = 2_000;
  for (let i = 0; i < lines.length; i += PIECE) {
    const more = stream.write(lines.slice(i, i + PIECE).join(''));
    if (!more) await Promise.race([event(stream, 'drain'), finished]);
  }
  stream.end();
  await finished;
}
