import { sql } from 'kysely';
import type { CustomerRow, ProductRow } from '../catalog/types.ts';
import type { Db } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import { OperatorError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import { numericToCents } from '../orders/types.ts';
import { discontinueProducts, launchProducts, repriceProducts } from '../traffic/business-store.ts';
import { CAST_SKU, castCustomers, idRange, idsOf, insertCustomers, whereCast } from './cast.ts';
import { change, type Scenario } from './scenario.ts';

export const hotRow: Scenario = {
  name: 'hot-row',
  does: 'changes one customer again and again: half of the times in transactions of their own, half in a single one',
  shows: 'the value of the last change',
  trap: 'readers that keep any one of a batch’s versions of a row, or order them by a timestamp that is too coarse',
  size: { of: 'changes of the one row', rows: 1_000, most: 100_000 },
  play: async (stage) => {
    const { db, rows: times, signal } = stage;
    const [customer] = await castCustomers(stage, 'hot-row', 1);
    if (customer === undefined) throw new Error('nobody was cast');
    await insertCustomers(db, [customer]);
    const number = (n: number) => `(11) 9${String(n).padStart(8, '0')}`;
    const set = (on: Db, n: number) =>
      sql`UPDATE public.clientes SET telefone = ${number(n)}, atualizado_em = clock_timestamp() WHERE id = ${customer.id}`.execute(
        on,
      );
    const alone = Math.floor(times / 2);
    for (let n = 1; n <= alone; n++) {
      if (signal.aborted) {
        throw new OperatorError(`interrupted after ${n - 1} of ${times} changes`, {
          fix: 'npm run sim -- scenario hot-row --rows 100 takes less time',
        });
      }
      await set(db, n);
    }
    await inTransaction(db, async (trx) => {
      for (let n = alone + 1; n <= times; n++) await set(trx, n);
    });
    return {
      changes: [change('clientes', { inserted: 1, updated: times })],
      facts: [`customer ${customer.id} has telefone ${number(times)}`],
      look: [`SELECT telefone, atualizado_em FROM clientes WHERE id = ${customer.id}`],
    };
  },
};

/** Lengths of descriptions, in characters: around what PostgreSQL keeps in the row, and far beyond. */
const LENGTHS = [1_500, 2_100, 8_000, 32_000, 64_000, 200_000];
const SYMBOLS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ção';
const PRICE_ROUNDS = 3;

export const largeValues: Scenario = {
  name: 'large-values',
  does: 'launches products with descriptions of up to 200,000 characters, then changes only their price; half get another description at last',
  shows: 'every description whole, also where the last change did not touch it',
  trap: 'an update does not carry a value that is stored out of line and did not change: readers write NULL or a placeholder over it',
  size: { of: 'products', rows: 12, most: 500 },
  play: async ({ db, rows: count, random, nowMs }) => {
    const code = codeOf(nowMs);
    const ids = await showProducts(
      db,
      Array.from({ length: count }, (_, n) => product(`G${code}-${n}`, longText(random, lengthOf(n)))),
    );
    for (let round = 1; round <= PRICE_ROUNDS; round++) {
      await repriceProducts(
        db,
        ids.map((productId) => ({ productId, priceCents: 30_000 + round })),
      );
    }
    const rewritten = ids.slice(0, Math.floor(ids.length / 2));
    for (const [n, id] of rewritten.entries()) {
      await sql`UPDATE public.produtos SET descricao = ${longText(random, lengthOf(n) + 1)}, atualizado_em = clock_timestamp()
        WHERE id = ${id}`.execute(db);
    }
    return {
      changes: [
        change('produtos', {
          inserted: ids.length,
          updated: PRICE_ROUNDS * ids.length + rewritten.length,
        }),
      ],
      facts: [
        `${ids.length} products (${idRange(ids)}) have descriptions of ${LENGTHS[0]} to ${LENGTHS.at(-1)} characters, none is NULL`,
        `their price is ${(30_000 + PRICE_ROUNDS) / 100}`,
      ],
      look: [
        `SELECT id, preco, length(descricao), md5(descricao) FROM produtos WHERE sku LIKE '${CAST_SKU}' AND id BETWEEN ${ids[0]} AND ${ids.at(-1)} ORDER BY id`,
      ],
    };
  },
};

/** Products for the shop window: nobody restocks them, and nobody sets their price. */
async function showProducts(db: Db, products: readonly ProductRow[]): Promise<readonly number[]> {
  return inTransaction(db, async (trx) => {
    const ids = await launchProducts(trx, products);
    await discontinueProducts(trx, ids);
    return ids;
  });
}

/** A part of SKUs that no earlier run has used. */
const codeOf = (nowMs: number) => Math.floor(nowMs).toString(36).toUpperCase();

const lengthOf = (n: number) => LENGTHS[n % LENGTHS.length] ?? 0;

/** Hardly compressible, so that it is stored out of line. */
function longText(random: Random, length: number): string {
  let text = '';
  while (text.length < length) text += SYMBOLS[random.int(0, SYMBOLS.length - 1)];
  return text;
}

/** A product that nobody can buy. */
function product(code: string, descricao: string): ProductRow {
  return {
    sku: `${CAST_SKU.slice(0, -1)}${code}`,
    nome: `Tênis de cenário ${code}`,
    descricao,
    precoCents: 30_000,
    precoCustoCents: 15_000,
    tamanho: 40,
    estoque: 0,
    id_categoria: 1,
    id_marca: 1,
    modelo: 'Cenário',
    id_genero: 3,
    cor: 'Preto',
  };
}

/** What breaks CSV, JSON, SQL, HTML, a spreadsheet, a terminal, or a column counted in bytes. */
const TEXTS: readonly string[] = [
  '',
  ' ',
  ' spaces at both ends ',
  'NULL',
  '\\N',
  'null',
  'D’Ávila & “Filhos”',
  `O'Brien`,
  `"quoted", with; separators\tand | pipes`,
  'two\nlines',
  'carriage\r\nreturn',
  'back\\slash \\n \\t \\x00 \\\\',
  '{"json": [1, "2", null]}',
  '<script>alert(1)</script>',
  `'); DROP TABLE clientes; --`,
  '=HYPERLINK("http://example.com")',
  '$1 #{x} %s {{y}}',
  '0012',
  '1e309',
  'true',
  '2026-02-30',
  '👟👨‍👩‍👧‍👦🇧🇷',
  'e\u0301 is not é',
  'שלום مرحبا',
  '\u202egnol\u202c',
  'ção'.repeat(15),
  '漢字かな交じり文',
  '\u0001\u001f\u007f\u0085',
  '\ufeffbom',
  'zero\u200bwidth',
];
/** So many UTF-16 units fit into every column that takes one. */
const ROOM = 60;

export const hostileText: Scenario = {
  name: 'hostile-text',
  does: 'registers customers whose names and addresses are texts that break careless programs, then gives each another’s',
  shows: 'every text character by character: empty is not NULL, blanks stay, so do line ends and emoji',
  trap: 'readers that pass through CSV or JSON of their own making, trim, normalise, or count bytes',
  size: { of: 'customers', rows: TEXTS.length, most: 10_000 },
  play: async (stage) => {
    const rows = await castCustomers(stage, 'hostile-text', stage.rows);
    const text = (n: number) => (TEXTS[n % TEXTS.length] ?? '').slice(0, ROOM);
    await insertCustomers(
      stage.db,
      rows.map(
        (row, n): CustomerRow => ({
          ...row,
          nome: text(n),
          sobrenome: text(n + 1),
          endereco: text(n + 2),
          bairro: text(n + 3),
          cidade: text(n + 4),
        }),
      ),
    );
    for (const [n, { id }] of rows.entries()) {
      await sql`UPDATE public.clientes SET nome = ${text(n + 5)}, atualizado_em = clock_timestamp() WHERE id = ${id}`.execute(
        stage.db,
      );
    }
    const ids = idsOf(rows);
    return {
      changes: [change('clientes', { inserted: rows.length, updated: rows.length })],
      facts: [`${rows.length} customers (${idRange(ids)}) have the same texts on both sides`],
      look: [
        `SELECT id, md5(nome), md5(sobrenome), length(nome) FROM clientes WHERE ${whereCast('hostile-text', ids)} ORDER BY id`,
      ],
    };
  },
};

/** The ends of DATE in Spark and Databricks, and days on which calendars and clocks changed. */
const DATES = [
  '0001-01-01',
  '1582-10-04',
  '1582-10-15',
  '1899-12-31',
  '1900-02-28',
  '1969-12-31',
  '1970-01-01',
  '2000-02-29',
  '2018-11-04',
  '2038-01-20',
  '9999-12-31',
];
/** Of numeric(12,2), in reais: a double has them wrong, or a 32-bit integer of cents. */
const PRICES = ['0.01', '0.03', '1.10', '21474836.48', '90071992.55', '9999999999.99'];

export const edgeValues: Scenario = {
  name: 'edge-values',
  does: 'registers customers on the first and last days of calendars, and launches products at the smallest and largest prices',
  shows: 'the same days and the same cents',
  trap: 'readers that carry money as a double, and dates through a time zone or the Julian calendar',
  size: { of: 'rounds of 11 customers and 6 products', rows: 1, most: 1_000 },
  play: async (stage) => {
    const { db, rows: rounds, nowMs } = stage;
    const customers = await castCustomers(stage, 'edge-values', rounds * DATES.length);
    await insertCustomers(
      db,
      customers.map((row, n) => ({ ...row, data_cadastro: DATES[n % DATES.length] ?? row.data_cadastro })),
    );
    const code = codeOf(nowMs);
    const products = Array.from({ length: rounds * PRICES.length }, (_, n) => {
      const cents = numericToCents(PRICES[n % PRICES.length] ?? '');
      return {
        ...product(`P${code}-${n}`, 'Preço de cenário'),
        precoCents: cents,
        precoCustoCents: cents,
      };
    });
    const ids = await showProducts(db, products);
    const customerIds = idsOf(customers);
    return {
      changes: [
        change('clientes', { inserted: customers.length }),
        change('produtos', { inserted: ids.length }),
      ],
      facts: [
        `${customers.length} customers (${idRange(customerIds)}) registered between ${DATES[0]} and ${DATES.at(-1)}`,
        `${ids.length} products (${idRange(ids)}) cost from ${PRICES[0]} to ${PRICES.at(-1)}`,
      ],
      look: [
        `SELECT id, data_cadastro FROM clientes WHERE ${whereCast('edge-values', customerIds)} ORDER BY id`,
        `SELECT id, preco FROM produtos WHERE sku LIKE '${CAST_SKU}' AND id BETWEEN ${ids[0]} AND ${ids.at(-1)} ORDER BY id`,
      ],
    };
  },
};
