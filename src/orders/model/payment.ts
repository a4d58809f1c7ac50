import type { State } from '../../catalog/types.ts';
import type { Random } from '../../lib/random.ts';
import { daysFromBlackFriday, localDay } from './calendar.ts';
import { InstalmentChooser } from './instalments.ts';
import type { ModelParameters } from './parameters.ts';
import { normalOf, WeightedChoice } from './sampling.ts';

/** Ids of `formapagamento`. */
export const PaymentMethod = { credit: 1, debit: 2, pix: 3, boleto: 4 } as const;

/** `today`: PIX and cards, as now; `olist`: the methods of the calibration's years. */
export type PaymentMix = 'today' | 'olist';

/** Chooses the method by channel and state, and the instalments by value. */
export class PaymentChooser {
  readonly #parameters: ModelParameters;
  readonly #random: Random;
  readonly #choices = new Map<string, WeightedChoice<number>>();
  readonly #instalments: InstalmentChooser;
  readonly #mix: PaymentMix;

  constructor(mix: PaymentMix, random: Random, parameters: ModelParameters) {
    this.#mix = mix;
    this.#random = random;
    this.#parameters = parameters;
    this.#instalments = new InstalmentChooser(parameters.instalments);
  }

  method(channelId: number, state: State): number {
    const key = `${channelId}/${state}`;
    let choice = this.#choices.get(key);
    if (!choice) {
      choice = new WeightedChoice(
        Object.entries(this.#weights(channelId, state)).map(([id, w]) => [Number(id), w]),
      );
      this.#choices.set(key, choice);
    }
    return choice.sample(this.#random);
  }

  /** Credit cards only; everything else is paid at once. */
  instalments(methodId: number, totalCents: number): number {
    return methodId === PaymentMethod.credit ? this.#instalments.draw(totalCents, this.#random) : 1;
  }

  #weights(channelId: number, state: State): Record<number, number> {
    const { payment, channels } = this.#parameters;
    const byChannel: Readonly<Record<string, Readonly<Record<number, number>>>> = payment.today;
    const counter = channelId === channels.overTheCounter;
    const base = this.#mix === 'today' ? byChannel[channelId] : payment.olist;
    if (!base) throw new RangeError(`no payment mix for channel ${channelId}`);
    let boleto = base[PaymentMethod.boleto] ?? 0;
    if (this.#mix === 'olist') {
      // nobody pays a boleto over the counter: the other channels take its share
      const share: Readonly<Record<string, number>> = channels.share;
      boleto = counter ? 0 : boleto / (1 - (share[channels.overTheCounter] ?? 0));
    }
    boleto *= payment.boletoByState[state] / payment.boletoOverall;
    const others = 1 - (base[PaymentMethod.boleto] ?? 0);
    const scale = (1 - boleto) / others;
    return {
      [PaymentMethod.credit]: (base[PaymentMethod.credit] ?? 0) * scale,
      [PaymentMethod.debit]: (base[PaymentMethod.debit] ?? 0) * scale,
      [PaymentMethod.pix]: (base[PaymentMethod.pix] ?? 0) * scale,
      [PaymentMethod.boleto]: boleto,
    };
  }
}

/** Freight of a parcel, in cents: by state, price and units; 0 over the counter and above the state's threshold. */
export class FreightTable {
  readonly #parameters: ModelParameters['freight'];
  readonly #random: Random;
  readonly #normal: () => number;

  constructor(random: Random, parameters: ModelParameters) {
    this.#random = random;
    this.#parameters = parameters.freight;
    this.#normal = normalOf(this.#random);
  }

  draw(state: State, subtotalCents: number, units: number): number {
    const { meanByState, sigma, priceElasticity, priceReference, furtherUnit, freeAbove, level, min } =
      this.#parameters;
    const spread = Math.exp(sigma * this.#normal() - (sigma * sigma) / 2);
    const thresholds: Readonly<Record<string, number>> = freeAbove;
    const levels: Readonly<Record<string, number>> = level;
    if (subtotalCents >= (thresholds[state] ?? Number.POSITIVE_INFINITY) * 100) return 0;
    const value = (subtotalCents / units / 100 / priceReference) ** priceElasticity;
    const first = meanByState[state] * (levels[state] ?? level.paid) * spread * value;
    return Math.round(Math.max(min, first * (1 + furtherUnit * (units - 1))) * 100);
  }
}

/** Discount by rule, in cents: PIX, coupons, Black Friday; they add up, to a limit. */
export class DiscountRules {
  readonly #parameters: ModelParameters['discounts'];
  readonly #random: Random;

  constructor(random: Random, parameters: ModelParameters) {
    this.#random = random;
    this.#parameters = parameters.discounts;
  }

  draw(order: {
    readonly subtotalCents: number;
    readonly methodId: number;
    readonly channelId: number;
    readonly purchases: number;
    readonly placedAtMs: number;
  }): number {
    const { pix, welcome, coupon, blackFriday, max } = this.#parameters;
    const promotion = order.purchases === 1 ? welcome : coupon;
    // always two draws, so that a rule that does not apply leaves the stream where it would be
    const hasCoupon = this.#random.chance(promotion.share);
    const hasBlackFriday = this.#random.chance(blackFriday.share);
    let rate = hasCoupon ? promotion.rate : 0;
    if (order.methodId === PaymentMethod.pix && pix.channels.includes(order.channelId)) rate += pix.rate;
    const away = daysFromBlackFriday(localDay(order.placedAtMs));
    if (hasBlackFriday && away >= blackFriday.fromDay && away <= blackFriday.toDay) rate += blackFriday.rate;
    return Math.floor(order.subtotalCents * Math.min(rate, max));
  }
}
