import { randomPoisson } from 'd3-random';
import type { Random } from '../../lib/random.ts';
import { daysFromBlackFriday, localDay } from '../../orders/model/calendar.ts';
import { businessRates } from './rates.ts';

/** A product as far as its price is concerned. Money in cents. */
export interface PricedProduct {
  readonly id: number;
  readonly priceCents: number;
  readonly costCents: number;
}

export interface PriceChange {
  readonly id: number;
  readonly priceCents: number;
}

/** From two days before Black Friday to the Monday after it. */
function isBlackFriday(atMs: number): boolean {
  const away = daysFromBlackFriday(localDay(atMs));
  return away >= -2 && away <= 3;
}

/**
 * Which models get a new price now: each has the same chance, so much a day of business (`businessDays` since the last
 * question), ten times as much around Black Friday.
 */
export function modelsToReprice(
  models: readonly string[],
  businessDays: number,
  atMs: number,
  random: Random,
  rates = businessRates,
): string[] {
  if (models.length === 0 || !(businessDays > 0)) return [];
  const { reprice, repriceBlackFriday } = rates.perModelDay;
  const rate = isBlackFriday(atMs) ? repriceBlackFriday : reprice;
  const count = Math.min(
    models.length,
    randomPoisson.source(() => random.next())(models.length * rate * businessDays)(),
  );
  const chosen = new Set<string>();
  while (chosen.size < count) chosen.add(random.pick(models));
  return [...chosen];
}

/**
 * New prices for all products of one model: one decision (ordinary price or promotion) for all of them, from the cost
 * and a margin drawn for it, so that prices wander without drifting away; a step at most 30 %, never below cost.
 * Products whose price stays are left out. `margem` is to be written with the price.
 */
export function repriceModel(
  products: readonly PricedProduct[],
  atMs: number,
  random: Random,
  rates = businessRates,
): PriceChange[] {
  const { ordinary, promotion, promotionShare, promotionShareBlackFriday, maxStep } = rates.prices;
  const share = isBlackFriday(atMs) ? promotionShareBlackFriday : promotionShare;
  const [from, to] = (random.chance(share) ? promotion : ordinary) as [number, number];
  const margin = from + (to - from) * random.next();
  const ending = random.pick(['.90', '.99', '.00'] as const);
  const changes: PriceChange[] = [];
  for (const { id, priceCents, costCents } of products) {
    const wanted = costCents / (1 - margin);
    const bounded = Math.min(Math.max(wanted, priceCents * (1 - maxStep)), priceCents * (1 + maxStep));
    const next = withEnding(bounded, ending);
    if (next !== priceCents && next > costCents) changes.push({ id, priceCents: next });
  }
  return changes;
}

/** The nearest price that ends as Brazilian shop prices do: 299,90, 299,99 or 300,00. */
function withEnding(cents: number, ending: '.90' | '.99' | '.00'): number {
  const reais = Math.max(1, Math.round(cents / 100));
  if (ending === '.00') return reais * 100;
  return ending === '.90' ? reais * 100 - 10 : reais * 100 - 1;
}
