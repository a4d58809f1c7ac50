import { priceOrder } from '../../catalog/price-order.ts';
import type { ShelfProduct } from '../../catalog/types.ts';
import type { Random } from '../../lib/random.ts';
import { DAY_MS } from './calendar.ts';
import { type ModelParameters, modelParameters } from './parameters.ts';
import { hashUnit, quantileOfWeights, SumTree } from './sampling.ts';

/** For whom a pair is bought. Unisex products are in both. */
export type Audience = 'men' | 'women';

/** `generoproduto`. */
const MEN = 1;
const WOMEN = 2;

/** Weights of launched models are recomputed when they are older than this: in days of business, at least in ms. */
const REWEIGH_DAYS = 0.25;
const REWEIGH_MIN_MS = 15_000;
/** What came within this time of the first product belongs to the opening of the shop and is no launch. */
const OPENING_MS = 60_000;

export interface ShelfOptions {
  /** The shop's seed: with it and a model's name its popularity is given, the same in every worker and after a restart. */
  readonly seed: string;
  /** False in history, where stock is settled afterwards: everything can be sold without limit. Default true. */
  readonly limited?: boolean;
  /** Days of business in a day of the wall (`LIFECYCLE_SPEED`): how fast launched models age. Default 1. */
  readonly speed?: number;
  readonly parameters?: ModelParameters;
}

interface Entry {
  product: ShelfProduct;
  /** This process's view of the stock, until the shop is read again. */
  stock: number;
  /** How popular its model is, and how its colourway does among those of the model. */
  modelWeight: number;
  colourWeight: number;
  /** Where the product stands in the trees of its size. */
  readonly places: Place[];
}

interface Place {
  readonly tree: SumTree;
  readonly index: number;
  /** The model's weight, shared among its colourways of this size. */
  readonly weight: number;
}

interface SizeTree {
  readonly tree: SumTree;
  readonly entries: readonly Entry[];
}

/**
 * What decides a model's place among the models of a shop: the smallest key is the star. Stars are of every price: the
 * key walks by the golden ratio over the catalog's order of prices, so that whichever models lead, and in every shop,
 * what is sold has the distribution of the prices. Prices that change do not move it, nor do models that come and go.
 */
export function popularityKey(shopSeed: string, model: string): number {
  const name = model.replace(/ Ed\. .*$/, '');
  const own = hashUnit(`${shopSeed}/model/${model}`);
  const place = priceOrder.get(name);
  if (place === undefined) return own;
  return (hashUnit(`${shopSeed}/models`) + (place.index + (own - 0.5) * OWN_LUCK) * GOLDEN_RATIO + 1) % 1;
}

const GOLDEN_RATIO = 0.6180339887498949;
/** How far editions of one model stand apart, in places of the order. */
const OWN_LUCK = 0.05;

/**
 * What can be bought, in memory. Products are drawn by the popularity of their model (Zipf–Mandelbrot over ranks that
 * a hash of model and shop seed decides), the heat of a launch, and their colourway; for an audience and a size, and
 * never out of stock. A draw and a sale cost O(log n); a change of the assortment rebuilds at the next draw.
 */
export class Shelf {
  readonly #entries = new Map<number, Entry>();
  readonly #seed: string;
  readonly #limited: boolean;
  readonly #speed: number;
  readonly #parameters: ModelParameters['shelf'];
  readonly #trees: Record<Audience, Map<number, SizeTree>> = { men: new Map(), women: new Map() };
  #stale = true;
  #weighedAtMs = Number.NEGATIVE_INFINITY;
  #anyLaunch = false;

  constructor(options: ShelfOptions) {
    this.#seed = options.seed;
    this.#limited = options.limited ?? true;
    this.#speed = options.speed ?? 1;
    this.#parameters = (options.parameters ?? modelParameters).shelf;
  }

  /** Number of products on the shelf, sold out ones included. */
  get size(): number {
    return this.#entries.size;
  }

  /** The shelf as just read from the database: what is not in `products` is gone. */
  replace(products: readonly ShelfProduct[]): void {
    const ids = new Set(products.map((product) => product.id));
    this.remove([...this.#entries.keys()].filter((id) => !ids.has(id)));
    this.upsert(products);
  }

  /** New products, and known ones with changed price or stock. */
  upsert(products: readonly ShelfProduct[]): void {
    for (const product of products) {
      const known = this.#entries.get(product.id);
      if (known && sameKind(known.product, product)) {
        known.product = product;
        known.stock = product.stock;
        if (!this.#stale) this.#place(known);
      } else {
        this.#entries.set(product.id, {
          product,
          stock: product.stock,
          modelWeight: 0,
          colourWeight: 1,
          places: [],
        });
        this.#stale = true;
      }
    }
  }

  remove(ids: readonly number[]): void {
    for (const id of ids) if (this.#entries.delete(id)) this.#stale = true;
  }

  /** Takes units off this process's view of the stock; what the database says at the next reading replaces it. */
  sold(productId: number, quantity: number): void {
    const entry = this.#entries.get(productId);
    if (!entry || !this.#limited) return;
    entry.stock = Math.max(0, entry.stock - quantity);
    if (entry.stock === 0 && !this.#stale) this.#place(entry);
  }

  get(productId: number): ShelfProduct | undefined {
    return this.#entries.get(productId)?.product;
  }

  /** Units that this process believes are left; Infinity when the shelf is not limited. */
  left(productId: number): number {
    if (!this.#limited) return Number.POSITIVE_INFINITY;
    return this.#entries.get(productId)?.stock ?? 0;
  }

  /** The shoe size at `u` in [0, 1) of an audience's curve. */
  sizeAt(audience: Audience, u: number): number {
    return quantileOfWeights(this.#parameters.sizes[audience], u);
  }

  /** Whether anything can be sold. */
  hasStock(atMs: number): boolean {
    this.#refresh(atMs);
    for (const trees of [this.#trees.men, this.#trees.women]) {
      for (const { tree } of trees.values()) if (tree.total > 0) return true;
    }
    return false;
  }

  /**
   * A product in stock for this audience and size; when the size is sold out, of the nearest size; undefined when
   * nothing for the audience is left.
   */
  pick(audience: Audience, size: number, atMs: number, random: Random): ShelfProduct | undefined {
    this.#refresh(atMs);
    const trees = this.#trees[audience];
    for (let away = 0; away <= 12; away++) {
      for (const candidate of away === 0 ? [size] : [size + away, size - away]) {
        const found = trees.get(candidate);
        if (!found) continue;
        const entry = found.entries[found.tree.sample(random)];
        if (entry) return entry.product;
      }
    }
    return undefined;
  }

  #refresh(atMs: number): void {
    const reweighMs = Math.max(REWEIGH_MIN_MS, (REWEIGH_DAYS * DAY_MS) / this.#speed);
    const cooled = this.#anyLaunch && Math.abs(atMs - this.#weighedAtMs) > reweighMs;
    if (!this.#stale && !cooled) return;
    this.#weigh(atMs);
    for (const audience of ['men', 'women'] as const) this.#build(audience);
    this.#stale = false;
    this.#weighedAtMs = atMs;
  }

  #weigh(atMs: number): void {
    const { zipfExponent, zipfOffset, launchHeat, launchHalfLifeDays, colourSpread } = this.#parameters;
    const born = new Map<string, number>();
    for (const { product } of this.#entries.values()) {
      const known = born.get(product.model);
      if (known === undefined || product.createdAtMs < known) born.set(product.model, product.createdAtMs);
    }
    let opened = Number.POSITIVE_INFINITY;
    for (const bornMs of born.values()) opened = Math.min(opened, bornMs);
    this.#anyLaunch = false;
    const ranked = [...born.keys()]
      .map((model) => ({ model, key: popularityKey(this.#seed, model) }))
      .sort((a, b) => a.key - b.key || (a.model < b.model ? -1 : 1));
    const weights = new Map<string, number>();
    for (const [rank, { model }] of ranked.entries()) {
      const bornMs = born.get(model) ?? opened;
      const launched = bornMs - opened > OPENING_MS;
      const ageDays = Math.max(0, ((atMs - bornMs) / DAY_MS) * this.#speed);
      if (launched && ageDays < 10 * launchHalfLifeDays) this.#anyLaunch = true;
      const heat = launched ? launchHeat * 0.5 ** (ageDays / launchHalfLifeDays) : 0;
      weights.set(model, (1 + heat) * (rank + 1 + zipfOffset) ** -zipfExponent);
    }
    for (const entry of this.#entries.values()) {
      const { model, sku } = entry.product;
      entry.modelWeight = weights.get(model) ?? 0;
      entry.colourWeight = 1 + colourSpread * (2 * hashUnit(`${this.#seed}/sku/${sku}`) - 1);
    }
  }

  #build(audience: Audience): void {
    const bySize = new Map<number, Entry[]>();
    const other = audience === 'men' ? WOMEN : MEN;
    for (const entry of this.#entries.values()) {
      if (audience === 'men') entry.places.length = 0;
      if (entry.product.genderId === other) continue;
      const list = bySize.get(entry.product.size);
      if (list) list.push(entry);
      else bySize.set(entry.product.size, [entry]);
    }
    const trees = this.#trees[audience];
    trees.clear();
    for (const [size, entries] of bySize) {
      const colours = new Map<string, number>();
      for (const { product, colourWeight } of entries) {
        colours.set(product.model, (colours.get(product.model) ?? 0) + colourWeight);
      }
      const weights = entries.map(
        ({ product, modelWeight, colourWeight }) =>
          (modelWeight * colourWeight) / (colours.get(product.model) ?? 1),
      );
      const tree = new SumTree(
        entries.map((entry, index) => (this.#sells(entry) ? (weights[index] ?? 0) : 0)),
      );
      for (const [index, entry] of entries.entries()) {
        entry.places.push({ tree, index, weight: weights[index] ?? 0 });
      }
      trees.set(size, { tree, entries });
    }
  }

  #sells(entry: Entry): boolean {
    return !this.#limited || entry.stock > 0;
  }

  #place(entry: Entry): void {
    const sells = this.#sells(entry);
    for (const { tree, index, weight } of entry.places) tree.set(index, sells ? weight : 0);
  }
}

/** Whether two readings of a product stand at the same place: only price and stock may differ. */
function sameKind(a: ShelfProduct, b: ShelfProduct): boolean {
  return (
    a.model === b.model &&
    a.size === b.size &&
    a.genderId === b.genderId &&
    a.sku === b.sku &&
    a.createdAtMs === b.createdAtMs
  );
}
