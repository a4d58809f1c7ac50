import { OperatorError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { judgeSequences } from './contents.ts';
import type { Db } from './pool.ts';
import { type Catalog, readSequences } from './read-catalog.ts';
import { type Difference, judgeShape } from './shape.ts';

/**
 * Holds the tables against what the migrations made. Throws an {@link OperatorError} with every difference that the
 * simulator cannot work with and the statements that mend it; what it can work with is warned of.
 */
export async function checkTables(db: Db, catalog: Catalog, logger: Logger): Promise<void> {
  const shape = judgeShape(catalog.tables);
  settle(shape, logger);
  settle(judgeSequences(await readSequences(db)), logger);
}

const SHOWN = 12;

/** Throws for differences that are in the way, and warns of the others. */
export function settle(differences: readonly Difference[], logger: Logger): void {
  for (const { what, sql } of differences.filter(({ level }) => level === 'warn')) {
    const fix = sql.map((statement) => `${statement};`).join(' ');
    logger.warn({ fix }, `${what}; to mend it: ${fix}`);
  }
  const failing = differences.filter(({ level }) => level === 'fail');
  if (failing.length === 0) return;
  const list = failing.slice(0, SHOWN).map(({ what }) => `\n  ${what}`);
  if (failing.length > SHOWN) list.push(`\n  and ${failing.length - SHOWN} more`);
  throw new OperatorError(`the tables are not as cdc-sim made them:${list.join('')}`, {
    fix: fixOf(failing),
  });
}

function fixOf(failing: readonly Difference[]): string {
  const statements = failing.flatMap(({ sql }) => sql).map((statement) => `\n    ${statement};`);
  const lost = failing.some(({ sql }) => sql.length === 0);
  const startOver = 'start over: npm run sim -- reset';
  if (statements.length === 0) return `restore what is missing (or its name), or ${startOver}`;
  return `as the owner of the tables:${statements.join('')}\n  ${lost ? 'restore what is missing, ' : ''}or ${startOver}`;
}
