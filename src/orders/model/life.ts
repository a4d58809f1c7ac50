import type { State } from '../../catalog/types.ts';
import type { Random } from '../../lib/random.ts';
import type { TimelineStep } from '../lifecycle.ts';
import { DAY_MS, dateText, HOUR_MS, localDay, localHour, startOfDayMs, weekdayOf } from './calendar.ts';
import type { ModelParameters } from './parameters.ts';
import { PaymentMethod } from './payment.ts';
import { burr12, burr12Mean, normalOf, WeightedChoice } from './sampling.ts';

export interface LifeOf {
  readonly placedAtMs: number;
  readonly channelId: number;
  readonly paymentMethodId: number;
  readonly state: State;
}

export interface Life {
  readonly timeline: readonly TimelineStep[];
  /** YYYY-MM-DD */
  readonly promisedOn: string;
}

const SATURDAY = 5;
const SUNDAY = 6;

/** Draws how an order lives: approval, hand-over, delivery, return, or how it ends before. */
export class LifeMaker {
  readonly #p: ModelParameters;
  readonly #random: Random;
  readonly #promise: Random;
  readonly #promiseNormal: () => number;
  readonly #normal: () => number;
  readonly #transportScale: ReadonlyMap<State, number>;
  readonly #reason: WeightedChoice<{ readonly mu: number; readonly sigma: number }>;
  readonly #moves: { readonly saturday: WeightedChoice<number>; readonly sunday: WeightedChoice<number> };

  constructor(random: Random, parameters: ModelParameters) {
    this.#p = parameters;
    this.#random = random.stream('life');
    this.#promise = random.stream('promise');
    this.#normal = normalOf(this.#random);
    this.#promiseNormal = normalOf(this.#promise);
    const { meanDaysByState, fractionOfDay, beforeTransport, shape, weekendMoves } = parameters.transport;
    const shapeMean = burr12Mean(shape.c, shape.d);
    this.#transportScale = new Map(
      Object.entries(meanDaysByState).map(([state, days]) => [
        state as State,
        (days + fractionOfDay - beforeTransport) / shapeMean,
      ]),
    );
    this.#reason = new WeightedChoice(
      parameters.returns.reasons.map(({ days, share }) => [days, share] as const),
    );
    const choice = (moves: readonly (readonly number[])[]) =>
      new WeightedChoice(moves.map(([days, share]) => [days ?? 0, share ?? 0] as const));
    this.#moves = { saturday: choice(weekendMoves.saturday), sunday: choice(weekendMoves.sunday) };
  }

  draw(order: LifeOf): Life {
    const { placedAtMs, state } = order;
    if (order.channelId === this.#p.channels.overTheCounter) {
      const timeline: TimelineStep[] = (['approved', 'shipped', 'delivered'] as const).map((event) => ({
        event,
        atMs: placedAtMs,
      }));
      this.#mayReturn(timeline, placedAtMs);
      return { timeline, promisedOn: dateText(localDay(placedAtMs)) };
    }
    const { windowByState, sigma, remotenessPower } = this.#p.promise;
    const remoteness = this.#spread(this.#p.transport.remotenessSigma);
    const window = windowByState[state] * remoteness ** remotenessPower * this.#spread(sigma);
    const promisedOn = dateText(localDay(placedAtMs) + Math.max(2, Math.round(window)));
    return { timeline: this.#shippedLife(order, remoteness), promisedOn };
  }

  /** A log-normal factor with mean 1. */
  #spread(sigma: number): number {
    return Math.exp(sigma * this.#promiseNormal() - (sigma * sigma) / 2);
  }

  #shippedLife({ placedAtMs, paymentMethodId, state }: LifeOf, remoteness: number): TimelineStep[] {
    const random = this.#random;
    const unpaid: Readonly<Record<string, number>> = this.#p.unpaid.share;
    if (random.chance(unpaid[paymentMethodId] ?? 0)) return this.#unpaidLife(placedAtMs, paymentMethodId);
    const approvedAtMs = Math.round(placedAtMs + this.#approvalMs(placedAtMs, paymentMethodId));
    const shippedAtMs = this.#handover(approvedAtMs);
    const timeline: TimelineStep[] = [{ event: 'approved', atMs: approvedAtMs }];
    const { share, latestPart } = this.#p.cancellation;
    if (random.chance(share)) {
      const atMs = Math.round(approvedAtMs + (shippedAtMs - approvedAtMs) * latestPart * random.next());
      timeline.push({ event: 'cancelled', atMs });
      return timeline;
    }
    const deliveredAtMs = this.#delivery(shippedAtMs, state, remoteness);
    timeline.push({ event: 'shipped', atMs: shippedAtMs }, { event: 'delivered', atMs: deliveredAtMs });
    this.#mayReturn(timeline, deliveredAtMs);
    return timeline;
  }

  #unpaidLife(placedAtMs: number, methodId: number): TimelineStep[] {
    const random = this.#random;
    const { pixMinutes, boletoDays, refusalHours, purgeDays } = this.#p.unpaid;
    const [from, to] = purgeDays as [number, number];
    const isCard = methodId === PaymentMethod.credit || methodId === PaymentMethod.debit;
    let endedAtMs: number;
    if (isCard) {
      endedAtMs = placedAtMs + Math.exp(refusalHours.mu + refusalHours.sigma * this.#normal()) * HOUR_MS;
    } else if (methodId === PaymentMethod.pix) {
      const minutes = random.chance(pixMinutes.shortShare) ? pixMinutes.short : pixMinutes.long;
      endedAtMs = placedAtMs + (minutes + random.next()) * 60_000;
    } else {
      // good until the end of its last day; the bank's file comes in the small hours
      endedAtMs =
        startOfDayMs(localDay(placedAtMs) + random.pick(boletoDays) + 1) + random.next() * 4 * HOUR_MS;
    }
    const cancelledAtMs = Math.round(endedAtMs);
    const purgedAtMs = Math.round(cancelledAtMs + (from + (to - from) * random.next()) * DAY_MS);
    return [
      { event: isCard ? 'refused' : 'expired', atMs: cancelledAtMs },
      { event: 'purged', atMs: purgedAtMs },
    ];
  }

  #approvalMs(placedAtMs: number, methodId: number): number {
    const { credit, debit, boleto, pix } = this.#p.approval;
    const draw = ({ mu, sigma }: { mu: number; sigma: number }) => Math.exp(mu + sigma * this.#normal());
    if (methodId === PaymentMethod.credit) {
      return draw(this.#random.chance(credit.fastShare) ? credit.fast : credit.slow) * HOUR_MS;
    }
    if (methodId === PaymentMethod.debit) return draw(debit) * HOUR_MS;
    if (methodId === PaymentMethod.pix) {
      const minutes = draw(this.#random.chance(pix.fastShare) ? pix.fast : pix.slow);
      return Math.min(minutes, pix.maxMinutes) * 60_000;
    }
    const median = boleto.medianByWeekday[weekdayOf(localDay(placedAtMs))] ?? 24;
    return draw({ mu: Math.log(median * boleto.weekdayLevel), sigma: boleto.sigma }) * HOUR_MS;
  }

  #handover(approvedAtMs: number): number {
    const { handover, handoverHours, saturdayHandover } = this.#p.transport;
    const days = Math.min(Math.exp(handover.mu + handover.sigma * this.#normal()), handover.max);
    return this.#onWorkingDay(approvedAtMs, days, handoverHours, saturdayHandover, 0);
  }

  #delivery(shippedAtMs: number, state: State, remoteness: number): number {
    const { shape, minDays, maxDays, deliveryHours, saturdayDelivery, sundayDelivery } = this.#p.transport;
    const scale = (this.#transportScale.get(state) ?? 1) * remoteness;
    const days = Math.min(Math.max(scale * burr12(this.#random, shape.c, shape.d), minDays), maxDays);
    return this.#onWorkingDay(shippedAtMs, days, deliveryHours, saturdayDelivery, sundayDelivery);
  }

  /** `days` after `fromMs`, moved off the weekend and into the hours of work; never before `fromMs`. */
  #onWorkingDay(
    fromMs: number,
    days: number,
    hours: readonly number[],
    saturdayStays: number,
    sundayStays: number,
  ): number {
    const random = this.#random;
    const [opens, closes] = hours as [number, number];
    const target = fromMs + days * DAY_MS;
    let day = localDay(target);
    const weekday = weekdayOf(day);
    if (weekday === SATURDAY && !random.chance(saturdayStays)) day += this.#moves.saturday.sample(random);
    if (weekday === SUNDAY && !random.chance(sundayStays)) day += this.#moves.sunday.sample(random);
    let hour = localHour(target);
    if (hour < opens || hour >= closes) hour = opens + (closes - opens) * random.next();
    let atMs = startOfDayMs(day) + hour * HOUR_MS;
    while (atMs <= fromMs || (atMs < fromMs + HOUR_MS && weekdayOf(day) >= SATURDAY)) {
      day += 1;
      if (weekdayOf(day) >= SATURDAY) continue;
      atMs = startOfDayMs(day) + (opens + ((closes - opens) / 3) * random.next()) * HOUR_MS;
    }
    return Math.round(atMs);
  }

  #mayReturn(timeline: TimelineStep[], deliveredAtMs: number): void {
    const { share, maxDays } = this.#p.returns;
    if (!this.#random.chance(share)) return;
    const { mu, sigma } = this.#reason.sample(this.#random);
    const days = Math.min(Math.exp(mu + sigma * this.#normal()), maxDays);
    timeline.push({ event: 'returned', atMs: Math.round(deliveredAtMs + days * DAY_MS) });
  }
}
