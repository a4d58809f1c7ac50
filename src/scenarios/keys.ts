import { sql } from 'kysely';
import { inTransaction } from '../db/transaction.ts';
import {
  castCustomers,
  deleteCustomers,
  idRange,
  idsOf,
  insertCustomers,
  reserveIds,
  touchCustomers,
  whereCast,
} from './cast.ts';
import { change, type Scenario } from './scenario.ts';

export const shortLives: Scenario = {
  name: 'short-lives',
  does: 'registers customers and deletes them at once: in the same transaction, in the next one, and after a change',
  shows: 'none of them (Hevo: at most rows that are marked deleted)',
  trap: 'readers that take a batch’s inserts and updates before its deletes, or after: the dead come back',
  size: { of: 'customers', rows: 300, most: 100_000 },
  play: async (stage) => {
    const { db } = stage;
    const rows = await castCustomers(stage, 'short-lives', stage.rows);
    const third = Math.ceil(rows.length / 3);
    const within = rows.slice(0, third);
    const next = rows.slice(third, 2 * third);
    const changed = rows.slice(2 * third);
    await inTransaction(db, async (trx) => {
      await insertCustomers(trx, within);
      await deleteCustomers(trx, idsOf(within));
    });
    await insertCustomers(db, [...next, ...changed]);
    await deleteCustomers(db, idsOf(next));
    await touchCustomers(db, idsOf(changed), '(11) 90000-0001');
    await deleteCustomers(db, idsOf(changed));
    const ids = idsOf(rows);
    return {
      changes: [
        change('clientes', {
          inserted: rows.length,
          updated: changed.length,
          deleted: rows.length,
        }),
      ],
      facts: [`none of ${rows.length} customers (${idRange(ids)}) is alive`],
      look: [`SELECT count(*) FROM clientes WHERE ${whereCast('short-lives', ids)}`],
    };
  },
};

export const keyReuse: Scenario = {
  name: 'key-reuse',
  does: 'deletes customers and registers others under the same ids: half in one transaction, half in two',
  shows: 'every id alive, with the second customer’s name (Hevo: not marked deleted any more)',
  trap: 'readers that remember a delete and drop what comes after it, or leave the mark of deletion on the new row',
  size: { of: 'customers', rows: 200, most: 100_000 },
  play: async (stage) => {
    const { db } = stage;
    const first = await castCustomers(stage, 'key-reuse', stage.rows);
    await insertCustomers(db, first);
    const second = first.map((row) => ({ ...row, nome: 'Segunda', sobrenome: `Vida ${row.id}` }));
    const half = Math.ceil(first.length / 2);
    const ids = idsOf(first);
    await inTransaction(db, async (trx) => {
      await deleteCustomers(trx, ids.slice(0, half));
      await insertCustomers(trx, second.slice(0, half));
    });
    await deleteCustomers(db, ids.slice(half));
    await insertCustomers(db, second.slice(half));
    return {
      changes: [change('clientes', { inserted: 2 * first.length, deleted: first.length })],
      facts: [`${first.length} customers (${idRange(ids)}) are alive, each with nome Segunda`],
      look: [`SELECT nome, count(*) FROM clientes WHERE ${whereCast('key-reuse', ids)} GROUP BY nome`],
    };
  },
};

export const keyChange: Scenario = {
  name: 'key-change',
  does: 'gives customers another id: an UPDATE of the primary key',
  shows: 'the new ids, and none of the old ones',
  trap: 'readers that upsert the new row and forget the old key: everybody is there twice',
  size: { of: 'customers', rows: 100, most: 100_000 },
  play: async (stage) => {
    const { db } = stage;
    const rows = await castCustomers(stage, 'key-change', stage.rows);
    const before = idsOf(rows);
    const after = await reserveIds(db, rows.length);
    await insertCustomers(db, rows);
    await sql`
      UPDATE public.clientes c SET id = m.new_id, atualizado_em = clock_timestamp()
      FROM unnest(${sql.val(before)}::bigint[], ${sql.val(after)}::bigint[]) AS m (old_id, new_id)
      WHERE c.id = m.old_id`.execute(db);
    return {
      changes: [change('clientes', { inserted: rows.length, updated: rows.length })],
      facts: [
        `${rows.length} customers are there under their new ids (${idRange(after)})`,
        `none is there under its old id (${idRange(before)})`,
      ],
      look: [
        `SELECT count(*) FROM clientes WHERE ${whereCast('key-change', after)}`,
        `SELECT count(*) FROM clientes WHERE ${whereCast('key-change', before)}`,
      ],
    };
  },
};

export const massDelete: Scenario = {
  name: 'mass-delete',
  does: 'registers many customers, and deletes them all in one statement',
  shows: 'none of them',
  trap: 'readers that delete row by row fall behind; those by query never see a delete at all',
  size: { of: 'customers', rows: 5_000, most: 200_000 },
  play: async (stage) => {
    const rows = await castCustomers(stage, 'mass-delete', stage.rows);
    const ids = idsOf(rows);
    await insertCustomers(stage.db, rows);
    await deleteCustomers(stage.db, ids);
    return {
      changes: [change('clientes', { inserted: rows.length, deleted: rows.length })],
      facts: [`none of ${rows.length} customers (${idRange(ids)}) is alive`],
      look: [`SELECT count(*) FROM clientes WHERE ${whereCast('mass-delete', ids)}`],
    };
  },
};
