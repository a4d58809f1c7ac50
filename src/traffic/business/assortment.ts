import { randomPoisson } from 'd3-random';
import type { Random } from '../../lib/random.ts';
import { DAY_MS } from '../../orders/model/calendar.ts';
import { businessRates } from './rates.ts';

/** A product as far as its supply is concerned. */
export interface StockedProduct {
  readonly id: number;
  readonly stock: number;
  /** Units sold since the last question. */
  readonly unitsSold: number;
  /** Discontinued products get no more supply. */
  readonly discontinued: boolean;
}

export interface Restock {
  readonly id: number;
  readonly quantity: number;
}

/**
 * What the suppliers bring, by demand: a product whose stock would last for fewer than three such intervals (the time
 * since the last question), or which is nearly gone, is filled up for twelve, in boxes of six. Now and then a supplier
 * is late, and it may be sold out for a while.
 */
export function decideRestock(
  products: readonly StockedProduct[],
  random: Random,
  rates = businessRates,
): Restock[] {
  const { reorderIntervals, minUnits, coverIntervals, lotUnits, boxUnits, late } = rates.restock;
  const orders: Restock[] = [];
  for (const { id, stock, unitsSold, discontinued } of products) {
    if (discontinued || stock > Math.max(minUnits, reorderIntervals * unitsSold)) continue;
    if (random.chance(late)) continue;
    const wanted = Math.max(lotUnits, coverIntervals * unitsSold * (0.9 + 0.3 * random.next())) - stock;
    if (wanted > 0) orders.push({ id, quantity: Math.ceil(wanted / boxUnits) * boxUnits });
  }
  return orders;
}

/** A model that is on sale. */
export interface ModelOnSale {
  readonly model: string;
  /** When its first product came, ms since the epoch. */
  readonly createdAtMs: number;
  /** Units sold over a recent while, the same for all. */
  readonly unitsSold: number;
}

export interface AssortmentDecision {
  /** Models to launch: all sizes and colours of each. */
  readonly launch: number;
  /** Models to discontinue: products without orders are deleted, the others keep their row with no stock. */
  readonly discontinue: readonly string[];
}

/**
 * New models and discontinued ones. Launches come by chance, so many a day of business and model of the opening
 * assortment (`openingModels`); whenever there are more models than that, the one that sells least, of those that are
 * old enough, goes. `lifecycleSpeed` turns ages on the wall clock into days of business.
 */
export function decideAssortment(
  state: {
    readonly models: readonly ModelOnSale[];
    readonly openingModels: number;
    readonly businessDays: number;
    readonly lifecycleSpeed: number;
  },
  nowMs: number,
  random: Random,
  rates = businessRates,
): AssortmentDecision {
  const { models, openingModels, businessDays, lifecycleSpeed } = state;
  const expected = openingModels * rates.perModelDay.launch * businessDays;
  const launch = expected > 0 ? randomPoisson.source(() => random.next())(expected)() : 0;
  const surplus = models.length + launch - openingModels;
  if (surplus <= 0) return { launch, discontinue: [] };
  const ageDays = (model: ModelOnSale) => ((nowMs - model.createdAtMs) / DAY_MS) * lifecycleSpeed;
  const discontinue = models
    .filter((model) => ageDays(model) >= rates.discontinueAfterDays)
    .sort(
      (a, b) => a.unitsSold - b.unitsSold || a.createdAtMs - b.createdAtMs || (a.model < b.model ? -1 : 1),
    )
    .slice(0, surplus)
    .map(({ model }) => model);
  return { launch, discontinue };
}
