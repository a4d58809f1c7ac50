import type { Random } from '../lib/random.ts';
import {
  colours,
  marginRange,
  modelsByBrand,
  priceEndings,
  priceShape,
  sizesByAudience,
} from './data/models.ts';
import { describeProduct } from './descriptions.ts';
import { lookupName } from './dimensions.ts';
import { priceOrder } from './price-order.ts';
import type { ProductRow } from './types.ts';
import { weighted } from './weighted.ts';

type Audience = 'M' | 'F' | 'U';

interface Model {
  readonly brandId: number;
  readonly brand: string;
  readonly name: string;
  readonly categoryId: number;
  readonly audience: Audience;
}

/** A model in one colour for one audience: its sizes are the products. */
interface Variant {
  readonly model: Model;
  readonly colour: string;
  readonly colourCode: string;
  /** What is added to the model's name; empty for the first of its kind. */
  readonly edition: string;
  /** The same in the SKU. */
  readonly editionCode: string;
}

const GENDER_IDS: Readonly<Record<Audience, number>> = { M: 1, F: 2, U: 3 };
const drawEnding = weighted(priceEndings);
const brandCodes = new Map(modelsByBrand.map(([brandId, code]) => [brandId, code]));

const models: readonly Model[] = modelsByBrand.flatMap(([brandId, , lines]) =>
  lines.flatMap((line) => {
    const [name = '', category, audiences = ''] = line.split('|');
    return [...audiences].map((audience) => ({
      brandId,
      brand: lookupName('marcas', brandId),
      name,
      categoryId: Number(category),
      audience: audience as Audience,
    }));
  }),
);

/**
 * The shop's assortment: `count` products, each a model in a colour and a size. Every brand is there before a second
 * colour of any model is; a model costs the same in every size and colour.
 */
export function createProducts({
  random,
  count,
}: {
  readonly random: Random;
  readonly count: number;
}): ProductRow[] {
  const prices = new Map(
    models.map((model) => [
      priceKey(model),
      listPriceCents(model, random.stream(`price/${priceKey(model)}`)),
    ]),
  );
  const rows: ProductRow[] = [];
  for (const variant of variants(random)) {
    const priceCents = prices.get(priceKey(variant.model)) ?? 0;
    for (const size of sizesByAudience[variant.model.audience]) {
      if (rows.length >= count) return rows;
      rows.push(productOf(variant, size, priceCents, random));
    }
  }
  return rows;
}

/**
 * A model that the shop has not had before, in one colour, all its sizes. `number` keeps its SKUs apart from all
 * others: hand in one that was not used before.
 */
export function createLaunch({
  random,
  number,
}: {
  readonly random: Random;
  readonly number: number;
}): ProductRow[] {
  const model = random.pick(models);
  const [colour, colourCode] = random.pick(colours);
  const variant: Variant = {
    model,
    colour,
    colourCode,
    edition: ` Ed. ${number}`,
    editionCode: `E${number}`,
  };
  const priceCents = listPriceCents(model, random);
  return sizesByAudience[model.audience].map((size) => productOf(variant, size, priceCents, random));
}

/** Variants without end that matters: models in shuffled order, colour after colour, then two colours, then editions. */
function* variants(random: Random): Generator<Variant> {
  for (let edition = 1; ; edition++) {
    const name = edition === 1 ? '' : ` Ed. Especial ${edition}`;
    const editionCode = edition === 1 ? '' : `X${edition}`;
    for (const [colour, colourCode] of palette(random)) {
      for (const model of spread(random)) yield { model, colour, colourCode, edition: name, editionCode };
    }
  }
}

function palette(random: Random): (readonly [string, string])[] {
  const single = shuffled(colours, random);
  const pairs = colours.flatMap(([a, codeA]) =>
    colours.filter(([b]) => b !== a).map(([b, codeB]) => [`${a}/${b}`, `${codeA}${codeB}`] as const),
  );
  return [...single, ...shuffled(pairs, random)];
}

/** By this place in the order every category has a model: an ordinary assortment lacks none. */
const EVERY_CATEGORY_BY = 20;

/** All models, the brands by turns, so that a small assortment has every brand, and soon every category. */
function spread(random: Random): Model[] {
  const byBrand = modelsByBrand.map(([brandId]) =>
    shuffled(
      models.filter((model) => model.brandId === brandId),
      random,
    ),
  );
  const order: Model[] = [];
  for (let round = 0; byBrand.some((list) => list.length > round); round++) {
    for (const list of shuffled(byBrand, random)) {
      const model = list[round];
      if (model !== undefined) order.push(model);
    }
  }
  for (const categoryId of new Set(order.map((model) => model.categoryId))) {
    const first = order.findIndex((model) => model.categoryId === categoryId);
    if (first > EVERY_CATEGORY_BY) order.splice(EVERY_CATEGORY_BY, 0, ...order.splice(first, 1));
  }
  return order;
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = random.int(0, i);
    [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
  }
  return copy;
}

function priceKey(model: Model): string {
  return `${model.brandId}/${model.name}`;
}

/** The model's quantile of the shop's price distribution, give or take a little, with a price tag's ending. */
function listPriceCents(model: Model, random: Random): number {
  const u = (priceOrder.get(model.name)?.quantile ?? 0.5) + (random.next() - 0.5) * 0.01;
  const reais = Math.round(
    priceShape.medianBrl * Math.exp(priceShape.sigma * normalQuantile(Math.min(Math.max(u, 0.005), 0.995))),
  );
  const ending = drawEnding(random);
  // 279.90 and 279.99 belong to 280, 280.00 is 280
  return ending === 0 ? reais * 100 : (reais - 1) * 100 + ending;
}

function productOf(variant: Variant, size: number, priceCents: number, random: Random): ProductRow {
  const { model, colour, colourCode, edition, editionCode } = variant;
  const margin = marginRange.min + random.next() * (marginRange.max - marginRange.min);
  // the name may be cut, the edition never: two editions of a long name would share an SKU
  const slug = `${model.name
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, '')
    .slice(0, 18)}${editionCode}`;
  const modelo = `${model.name}${edition}`;
  return {
    sku: `${brandCodes.get(model.brandId) ?? 'GEN'}-${slug}-${colourCode}-${model.audience}-${size}`,
    nome: `Tênis ${model.brand} ${modelo} ${lookupName('generoproduto', GENDER_IDS[model.audience])} ${colour} ${size}`,
    descricao: describeProduct(
      { brand: model.brand, model: modelo, categoryId: model.categoryId, colour },
      random,
    ),
    precoCents: priceCents,
    precoCustoCents: Math.round(priceCents * (1 - margin)),
    tamanho: size,
    estoque: random.int(80, 320),
    id_categoria: model.categoryId,
    id_marca: model.brandId,
    modelo,
    id_genero: GENDER_IDS[model.audience],
    cor: colour,
  };
}

/** `margem` in hundredths of a percent point, rounded as its CHECK rounds it: half away from zero. */
export function marginHundredths(priceCents: number, costCents: number): number {
  const hundredths = ((priceCents - costCents) * 10_000) / priceCents;
  return Math.sign(hundredths) * Math.round(Math.abs(hundredths));
}

/** Inverse of the normal distribution, Acklam's rational approximation (relative error below 1.2e-9). */
function normalQuantile(p: number): number {
  const a = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716,
    2.506628277459239,
  ];
  const b = [
    -54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572,
  ];
  const c = [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];
  const poly = (k: readonly number[], x: number) => k.reduce((sum, value) => sum * x + value, 0);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return poly(c, q) / (poly(d, q) * q + 1);
  }
  if (p > 1 - 0.02425) return -normalQuantile(1 - p);
  const q = p - 0.5;
  const r = q * q;
  return (poly(a, r) * q) / (poly(b, r) * r + 1);
}
