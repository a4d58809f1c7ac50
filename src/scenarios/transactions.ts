import { sql } from 'kysely';
import { inTransaction } from '../db/transaction.ts';
import { delay } from '../lib/backoff.ts';
import { OperatorError } from '../lib/errors.ts';
import { castCustomers, idRange, idsOf, insertCustomers, touchCustomers, whereCast } from './cast.ts';
import { change, type Scenario } from './scenario.ts';

/** Written by the last of several updates, so that it can be told from those before. */
const LAST_NUMBER = '(11) 90000-0002';

export const largeTransaction: Scenario = {
  name: 'large-transaction',
  does: 'registers many customers and changes each of them twice, all in one transaction',
  shows: 'every customer once, with the values of the last change; never a part of them',
  trap: 'readers that buffer a transaction in memory run out of it; those that cut it in pieces show it half done',
  size: { of: 'customers', rows: 20_000, most: 200_000 },
  play: async (stage) => {
    const rows = await castCustomers(stage, 'large-transaction', stage.rows);
    const ids = idsOf(rows);
    await inTransaction(stage.db, async (trx) => {
      await insertCustomers(trx, rows);
      await touchCustomers(trx, ids, '(11) 90000-0001');
      await touchCustomers(trx, ids, LAST_NUMBER);
    });
    const where = whereCast('large-transaction', ids);
    return {
      changes: [change('clientes', { inserted: rows.length, updated: 2 * rows.length })],
      facts: [`${rows.length} customers (${idRange(ids)}) are there, each with telefone ${LAST_NUMBER}`],
      look: [`SELECT count(*), min(telefone), max(telefone) FROM clientes WHERE ${where}`],
    };
  },
};

/** Customers on either side of the savepoint. */
const KEPT = 10;

export const rollback: Scenario = {
  name: 'rollback',
  does: 'registers and changes customers in a transaction that is rolled back, and others up to a savepoint',
  shows: 'nothing of what was rolled back, and all of the transaction around the savepoint',
  trap: 'readers that stream before the commit and miss the abort; those that take the part after a savepoint for the whole',
  size: { of: 'customers that are rolled back, twice', rows: 500, most: 100_000 },
  play: async (stage) => {
    const { db, rows: count } = stage;
    const undone = await castCustomers(stage, 'rollback', 2 * count);
    const kept = await castCustomers(stage, 'rollback', 2 * KEPT);
    const [aborted, saved] = [undone.slice(0, count), undone.slice(count)];
    await abandoned(
      db.transaction().execute(async (trx) => {
        await insertCustomers(trx, aborted);
        await touchCustomers(trx, idsOf(aborted), LAST_NUMBER);
        throw new Abandon();
      }),
    );
    await inTransaction(db, async (trx) => {
      await insertCustomers(trx, kept.slice(0, KEPT));
      await sql`SAVEPOINT cena`.execute(trx);
      await insertCustomers(trx, saved);
      await sql`ROLLBACK TO SAVEPOINT cena`.execute(trx);
      await insertCustomers(trx, kept.slice(KEPT));
    });
    const [keptIds, undoneIds] = [idsOf(kept), idsOf(undone)];
    return {
      changes: [change('clientes', { inserted: kept.length })],
      facts: [
        `${kept.length} customers (${idRange(keptIds)}) are there`,
        `none of ${undone.length} others (${idRange(undoneIds)}) ever was`,
      ],
      look: [
        `SELECT count(*) FROM clientes WHERE ${whereCast('rollback', keptIds)}`,
        `SELECT count(*) FROM clientes WHERE ${whereCast('rollback', undoneIds)}`,
      ],
    };
  },
};

/** Ends a transaction that is meant to be rolled back. */
class Abandon extends Error {}

async function abandoned(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof Abandon)) throw error;
  }
}

/** The server ends an idle transaction of ours after a few seconds: it is kept busy. */
const BREATH_MS = 1_000;

export const lateCommit: Scenario = {
  name: 'late-commit',
  does: 'registers customers in a transaction that stays open while later ones commit, and commits it last',
  shows:
    'the customers of the late transaction too, although their atualizado_em is older than what came before them',
  trap: 'readers by query remember the highest atualizado_em that they saw, and never look behind it again',
  size: { of: 'customers in the late transaction, and as many outside', rows: 50, most: 10_000 },
  play: async (stage) => {
    const { db, rows: count, holdMs, signal } = stage;
    const late = await castCustomers(stage, 'late-commit', count);
    const early = await castCustomers(stage, 'late-commit', count);
    const breaths = Math.max(1, Math.round(holdMs / BREATH_MS));
    await db.transaction().execute(async (trx) => {
      await insertCustomers(trx, late);
      for (let breath = 0; breath < breaths; breath++) {
        const share = (n: number) => Math.floor((early.length * n) / breaths);
        await insertCustomers(db, early.slice(share(breath), share(breath + 1)));
        if (!(await delay(holdMs / breaths, signal))) {
          throw new OperatorError('interrupted: the late transaction was rolled back', {
            fix: 'npm run sim -- scenario late-commit --hold 5s takes less time',
          });
        }
        await sql`SELECT 1`.execute(trx);
      }
    });
    const [lateIds, earlyIds] = [idsOf(late), idsOf(early)];
    return {
      changes: [change('clientes', { inserted: late.length + early.length })],
      facts: [
        `${early.length} customers (${idRange(earlyIds)}) were committed first`,
        `${late.length} customers (${idRange(lateIds)}) were written before them, committed ${Math.round(holdMs / 1000)} s later, and are there`,
      ],
      look: [
        `SELECT count(*), max(atualizado_em) FROM clientes WHERE ${whereCast('late-commit', lateIds)}`,
        `SELECT count(*), max(atualizado_em) FROM clientes WHERE ${whereCast('late-commit', earlyIds)}`,
      ],
    };
  },
};
