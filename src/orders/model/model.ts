import { deliveryAddressOf } from '../../catalog/customers.ts';
import type { CustomerRow, KnownCustomer } from '../../catalog/types.ts';
import type { Random } from '../../lib/random.ts';
import { type OrderModel, type PlannedOrder, subtotalCents } from '../types.ts';
import { BasketMaker } from './basket.ts';
import { type CustomerBook, nextPurchaseAtMs } from './customers.ts';
import { LifeMaker } from './life.ts';
import { type ModelParameters, modelParameters } from './parameters.ts';
import { DiscountRules, FreightTable, PaymentChooser, type PaymentMix } from './payment.ts';
import { choiceOf } from './sampling.ts';
import type { Shelf } from './shelf.ts';

export type { PaymentMix } from './payment.ts';

export interface OrderModelOptions {
  /** Each part of the model draws from a stream of its own of this one. */
  readonly random: Random;
  readonly shelf: Shelf;
  readonly customers: CustomerBook;
  readonly paymentMix: PaymentMix;
  /**
   * Only orders that still exist at this moment (business time): one that would be purged by then gets another payment
   * and another life. For history; live traffic leaves it out.
   */
  readonly existingAtMs?: number;
  readonly parameters?: ModelParameters;
}

/** An order and who placed it, as they stood before it. */
export interface Planned {
  readonly order: PlannedOrder;
  readonly customer: KnownCustomer;
}

/**
 * Decides whole orders: who, what, how much, how paid, and the life that follows. Takes the units off the shelf's view of
 * the stock and the buyer out of the book. `plan` returns null when nothing on the shelf can be sold, or when nobody is
 * due and no id for a new customer is at hand; nothing is consumed then.
 */
export function createOrderModel(options: OrderModelOptions): OrderModel {
  const plan = createPlanner(options);
  return { plan: (placedAtMs) => plan(placedAtMs)?.order ?? null };
}

/** The model, with the customer beside each order: for those who keep the returning customers themselves. */
export function createPlanner(options: OrderModelOptions): (placedAtMs: number) => Planned | null {
  const { random, shelf, customers, paymentMix, existingAtMs, parameters = modelParameters } = options;
  const channelRandom = random.stream('channel');
  const channels = choiceOf(parameters.channels.share);
  const returning = random.stream('customers');
  const baskets = new BasketMaker(shelf, random.stream('basket'), parameters);
  const payments = new PaymentChooser(paymentMix, random.stream('payment'), parameters);
  const freights = new FreightTable(random.stream('freight'), parameters);
  const discounts = new DiscountRules(random.stream('discount'), parameters);
  const lives = new LifeMaker(random.stream('timeline'), parameters);

  function drawUntilItExists(order: Omit<PlannedOrder, LateDecisions>, who: KnownCustomer): PlannedOrder {
    const subtotal = subtotalCents(order);
    const { channelId, placedAtMs, purchases } = order;
    for (;;) {
      const methodId = payments.method(channelId, who.state);
      const discountCents = discounts.draw({
        subtotalCents: subtotal,
        methodId,
        channelId,
        purchases,
        placedAtMs,
      });
      const life = lives.draw({ placedAtMs, channelId, paymentMethodId: methodId, state: who.state });
      if (existingAtMs !== undefined && isGone(life.timeline, existingAtMs)) continue;
      const installments = payments.instalments(methodId, subtotal + order.freightCents - discountCents);
      return { ...order, paymentMethodId: methodId, installments, discountCents, ...life };
    }
  }

  return (placedAtMs) => {
    if (!shelf.hasStock(placedAtMs)) return null;
    const buyer = customers.next(placedAtMs);
    if (!buyer) return null;
    const who = buyer.kind === 'known' ? buyer.customer : knownCustomerOf(buyer.row);
    const basket = baskets.fill(who, placedAtMs);
    if (!basket) return null;
    const channelId = channels.sample(channelRandom);
    const counter = channelId === parameters.channels.overTheCounter;
    const purchases = who.purchases + 1;
    const order = drawUntilItExists(
      {
        customer: buyer.kind === 'new' ? buyer : { kind: 'known', id: who.id },
        placedAtMs,
        channelId,
        items: basket.items,
        freightCents: counter ? 0 : freights.draw(who.state, basket.subtotalCents, basket.units),
        deliveryAddress: who.deliveryAddress,
        nextPurchaseAtMs: nextPurchaseAtMs(placedAtMs, purchases, returning, parameters.customers),
        purchases,
      },
      who,
    );
    return { order, customer: who };
  };
}

type LateDecisions = 'paymentMethodId' | 'installments' | 'discountCents' | 'timeline' | 'promisedOn';

function isGone(timeline: PlannedOrder['timeline'], atMs: number): boolean {
  const last = timeline.at(-1);
  return last?.event === 'purged' && last.atMs <= atMs;
}

/** What the model keeps of a customer before the first order. */
export function knownCustomerOf(row: CustomerRow): KnownCustomer {
  return {
    id: row.id,
    genderId: row.id_genero,
    state: row.estado,
    deliveryAddress: deliveryAddressOf(row),
    purchases: 0,
  };
}
