import { randomPoisson } from 'd3-random';
import type { Random } from '../../lib/random.ts';
import { businessRates } from './rates.ts';

/** How many of each happen now. */
export interface PeopleEvents {
  /** People to register without an order: when they buy first says `firstPurchaseAtMs` of the customers' model. */
  readonly registrations: number;
  /** Customers (any) to change: what, says {@link decideProfileChange}. */
  readonly profileChanges: number;
  /** Customers (any) whose consent to marketing mail changes: {@link decideConsent}. */
  readonly consentChanges: number;
  /** Customers (any) to forget: {@link decideErasure}. */
  readonly erasures: number;
}

/** The events that belong to `orders` orders placed since the last question (all workers together); Poisson counts. */
export function decidePeopleEvents(orders: number, random: Random, rates = businessRates): PeopleEvents {
  const source = randomPoisson.source(() => random.next());
  const count = (perOrder: number) => (orders > 0 ? source(orders * perOrder)() : 0);
  const { registrations, profileChanges, consentChanges, erasures } = rates.perOrder;
  return {
    registrations: count(registrations),
    profileChanges: count(profileChanges),
    consentChanges: count(consentChanges),
    erasures: count(erasures),
  };
}

/**
 * What a customer changes. `address`: a new one of the same state (`moves` false) or of another; with the state go CEP,
 * city and DDD, never the CPF.
 */
export type ProfileChange =
  | { readonly kind: 'address'; readonly moves: boolean }
  | { readonly kind: 'telephone' }
  | { readonly kind: 'email' }
  | { readonly kind: 'civilStatus' };

export function decideProfileChange(random: Random, rates = businessRates): ProfileChange {
  let u = random.next();
  for (const kind of ['address', 'telephone', 'email'] as const) {
    u -= rates.profile[kind];
    if (u >= 0) continue;
    return kind === 'address' ? { kind, moves: random.chance(rates.movesToAnotherState) } : { kind };
  }
  return { kind: 'civilStatus' };
}

/** The customer's new `id_emailmarketing` (1 Sim, 2 Não); the same as before when this one stays as they are. */
export function decideConsent(current: number, random: Random, rates = businessRates): number {
  const wants = random.chance(rates.optOut) ? 2 : 1;
  return wants === current ? current : wants;
}

/** `estadocivil` after a change: 1 Solteiro(a), 2 Casado(a), 3 Divorciado(a), 4 Viúvo(a); nobody becomes single again. */
export function decideCivilStatus(current: number, random: Random, rates = businessRates): number {
  if (current !== 2) return 2;
  return random.chance(rates.widowed) ? 4 : 3;
}
