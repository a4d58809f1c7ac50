import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { modelsByBrand } from '../../../src/catalog/data/models.ts';
import { createLaunch, createProducts, marginHundredths } from '../../../src/catalog/products.ts';
import type { ProductRow } from '../../../src/catalog/types.ts';
import { createRandom } from '../../../src/lib/random.ts';

const productsOf = (count: number, seed = 'products') =>
  createProducts({ random: createRandom(seed), count });

/** Brazilian sizes by `generoproduto`: 1 Masculino, 2 Feminino, 3 Unissex. */
const SIZES: Readonly<Record<number, readonly number[]>> = {
  1: [38, 39, 40, 41, 42, 43, 44],
  2: [34, 35, 36, 37, 38, 39],
  3: [35, 36, 37, 38, 39, 40, 41, 42, 43],
};

const variantOf = (row: ProductRow) => `${row.id_marca}/${row.modelo}/${row.id_genero}/${row.cor}`;
const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.floor(q * sorted.length)] ?? Number.NaN;

let large: ProductRow[];
beforeAll(() => {
  large = productsOf(20_000);
});

describe('the assortment', () => {
  it.each([10, 500, 20_000])('has %i products, each with an SKU of its own', (count) => {
    const rows = count === 20_000 ? large : productsOf(count);
    expect(rows).toHaveLength(count);
    expect(new Set(rows.map((row) => row.sku)).size).toBe(count);
  });

  it('has every brand and every category at 500 products, whatever the seed', () => {
    for (let seed = 0; seed < 20; seed++) {
      const rows = productsOf(500, `seed ${seed}`);
      expect(new Set(rows.map((row) => row.id_marca)).size).toBe(10);
      expect(new Set(rows.map((row) => row.id_categoria)).size).toBe(6);
    }
  });

  it('sells each colour of a model in all the sizes of its audience', () => {
    const variants = [...Map.groupBy(large, variantOf).values()];
    // the last one is cut off by the count
    for (const rows of variants.slice(0, -1)) {
      expect(rows.map((row) => row.tamanho)).toEqual(SIZES[rows[0]?.id_genero ?? 0]);
    }
    expect(variants.length).toBeGreaterThan(2_000);
  });

  it('costs the same in every size, colour and audience of a model', () => {
    for (const [model, rows] of Map.groupBy(large, (row) => `${row.id_marca}/${row.modelo}`)) {
      expect(new Set(rows.map((row) => row.precoCents)).size, model).toBe(1);
    }
  });

  it('fits into its columns and names itself', () => {
    for (const row of large) {
      if (row.sku.length > 40 || row.nome.length > 160 || row.modelo.length > 80 || row.cor.length > 40)
        throw new Error(`too long: ${JSON.stringify(row)}`);
      if (
        !row.nome.includes(row.modelo) ||
        !row.nome.includes(row.cor) ||
        !row.nome.endsWith(`${row.tamanho}`)
      )
        throw new Error(`does not name itself: ${row.nome}`);
    }
    expect(large.every((row) => /^[A-Z0-9]+(-[A-Z0-9]+){4}$/.test(row.sku))).toBe(true);
  });

  it('is the same for the same seed', () => {
    expect(productsOf(60)).toEqual(productsOf(60));
    expect(productsOf(60, 'other')).not.toEqual(productsOf(60));
  });
});

/** One price for each model of many shops. */
function modelPrices(seeds: number): number[] {
  return Array.from({ length: seeds }, (_, seed) => {
    const rows = productsOf(1_200, `prices ${seed}`);
    return [...Map.groupBy(rows, (row) => `${row.id_marca}/${row.modelo}`).values()].map(
      ([first]) => first?.precoCents ?? 0,
    );
  }).flat();
}

describe('prices', () => {
  let prices: number[];
  beforeAll(() => {
    prices = modelPrices(30);
  });

  it('end as price tags do, in the shares of Olist', () => {
    const share = (cents: number) => prices.filter((price) => price % 100 === cents).length / prices.length;
    // of 112,650 items: .90 34.7 %, .00 29.5 %, .99 18.3 %, taken as all there are
    const all = 0.347 + 0.295 + 0.183;
    expect(prices.length).toBeGreaterThan(2_000);
    expect(share(90)).toBeCloseTo(0.347 / all, 1);
    expect(share(0)).toBeCloseTo(0.295 / all, 1);
    expect(share(99)).toBeCloseTo(0.183 / all, 1);
    expect(share(90) + share(0) + share(99)).toBeCloseTo(1, 9);
  });

  it('have a plausible median in every shop', () => {
    for (let seed = 0; seed < 30; seed++) {
      const sorted = productsOf(500, `prices ${seed}`)
        .map((row) => row.precoCents)
        .toSorted((a, b) => a - b);
      expect(quantile(sorted, 0.5)).toBeGreaterThan(23_000);
      expect(quantile(sorted, 0.5)).toBeLessThan(30_000);
    }
  });

  it('are about log-normal: their logarithms are symmetric, and spread as they should', () => {
    const logs = prices.map((price) => Math.log(price));
    const mean = logs.reduce((sum, x) => sum + x, 0) / logs.length;
    const moment = (k: number) => logs.reduce((sum, x) => sum + (x - mean) ** k, 0) / logs.length;
    const sd = Math.sqrt(moment(2));
    expect(sd).toBeGreaterThan(0.4);
    expect(sd).toBeLessThan(0.5);
    expect(Math.abs(moment(3) / sd ** 3)).toBeLessThan(0.25);
    const kurtosis = moment(4) / sd ** 4;
    expect(kurtosis).toBeGreaterThan(2.4);
    expect(kurtosis).toBeLessThan(3.4);
    // the prices themselves lean to the right
    const sorted = prices.toSorted((a, b) => a - b);
    const average = prices.reduce((sum, x) => sum + x, 0) / prices.length;
    expect(average).toBeGreaterThan(1.04 * quantile(sorted, 0.5));
    expect(sorted[0]).toBeGreaterThan(5_000);
    expect(sorted.at(-1)).toBeLessThan(130_000);
  });

  it('leave a margin of 38 to 56 %', () => {
    const margins = large.map((row) => marginHundredths(row.precoCents, row.precoCustoCents));
    expect(Math.min(...margins)).toBeGreaterThanOrEqual(3_795);
    expect(Math.max(...margins)).toBeLessThanOrEqual(5_605);
  });
});

describe('margin', () => {
  it('is rounded as SQL rounds: half away from zero, from the exact quotient', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 99_999_999 }),
        fc.integer({ min: 1, max: 99_999_999 }),
        (a, b) => {
          const [price, cost] = [BigInt(a), BigInt(b)];
          const numerator = (price - cost) * 10_000n;
          const size = numerator < 0n ? -numerator : numerator;
          const rounded = (2n * size + price) / (2n * price);
          return marginHundredths(a, b) === Number(numerator < 0n ? -rounded : rounded);
        },
      ),
      {
        seed: 11,
        numRuns: 20_000,
        // quotients that end in exactly half a hundredth, on both sides of zero
        examples: [
          [80_000, 79_996],
          [16_000, 15_999],
          [80_000, 80_004],
          [32_000, 19_999],
          [1, 1],
        ],
      },
    );
  });
});

describe('descriptions', () => {
  it('are a sentence or two for most, and a long data sheet for about one in seventeen', () => {
    const sheets = large.filter((row) => row.descricao.includes('Ficha técnica'));
    expect(sheets.length / large.length).toBeGreaterThan(0.05);
    expect(sheets.length / large.length).toBeLessThan(0.07);
    expect(Math.min(...sheets.map((row) => row.descricao.length))).toBeGreaterThan(4_000);
    const rest = large.filter((row) => !row.descricao.includes('Ficha técnica'));
    expect(Math.max(...rest.map((row) => row.descricao.length))).toBeLessThan(400);
    expect(rest.every((row) => row.descricao.includes(`${row.modelo} na cor ${row.cor.toLowerCase()}`))).toBe(
      true,
    );
  });
});

describe('launches', () => {
  it('bring a model in all its sizes, with SKUs that no other launch and no opening product has', () => {
    const random = createRandom('launches');
    const taken = new Set(large.map((row) => row.sku));
    const repeated: string[] = [];
    for (let number = 20_001; number < 24_000; number++) {
      const rows = createLaunch({ random, number });
      expect(rows.map((row) => row.tamanho)).toEqual(SIZES[rows[0]?.id_genero ?? 0]);
      for (const { sku } of rows) {
        if (taken.has(sku) || sku.length > 40) repeated.push(sku);
        taken.add(sku);
      }
    }
    expect(repeated).toEqual([]);
  });

  it('fit into their columns with the longest model and a number of eight digits', () => {
    const random = createRandom('long launches');
    const names = modelsByBrand.flatMap(([, , lines]) => lines).length;
    const rows = Array.from({ length: names * 20 }, () =>
      createLaunch({ random, number: 98_765_432 }),
    ).flat();
    expect(Math.max(...rows.map((row) => row.sku.length))).toBeLessThanOrEqual(40);
    expect(Math.max(...rows.map((row) => row.modelo.length))).toBeLessThanOrEqual(80);
  });
});
