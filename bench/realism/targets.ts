/**
 * What realistic means: targets and tolerances at 50,000 orders, from the calibration files beside this one and from
 * stated assumptions. Nothing here comes from the model's parameters: a parameter that is moved makes a row fail.
 */
import olist from './olist.json' with { type: 'json' };

/** One measured figure against its range. */
export interface Row {
  /** The part of the model. */
  readonly part: string;
  /** What is measured, and how. */
  readonly what: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly digits: number;
  readonly pass: boolean;
}

/** A row that passes when `low ≤ value ≤ high`. A figure that could not be measured (NaN) fails. */
export function row(part: string, what: string, value: number, low: number, high: number, digits = 3): Row {
  return { part, what, value, low, high, digits, pass: value >= low && value <= high };
}

/** A distance that may not exceed `limit`. */
export function distance(part: string, what: string, value: number, limit: number): Row {
  return row(part, what, value, 0, limit);
}

/** A value within `tolerance` of `target`. */
export function near(
  part: string,
  what: string,
  value: number,
  target: number,
  tolerance: number,
  digits = 3,
): Row {
  return row(part, what, value, target - tolerance, target + tolerance, digits);
}

export const targets = {
  olist,
  /** PIX 43, cards 45, boleto 4 of a hundred payments in Brazilian e-commerce 2024–25; the rest is not sold here. */
  paymentToday: { pix: 43 / 92, card: 45 / 92, boleto: 4 / 92 },
  channels: [0.07, 0.64, 0.18, 0.03, 0.08],
  /** Masculino, Feminino, Outro: about even, as surveys of Brazilian online shoppers have it. Assumption. */
  gender: [0.485, 0.5, 0.015],
  optIn: 0.62,
  /** Orders by days since registration: same day, to 30, to 180, to 365, more. Follows from who returns when; assumption. */
  accountAge: [0.82, 0.05, 0.07, 0.03, 0.03],
  unpaid: { pix: 0.1, boleto: 0.5 },
  cancelledAfterPayment: 0.009,
  returned: 0.094,
  lateShare: 0.0811,
  /** Ten states quoted, the others recalled; order-weighted 8.1 %. */
  lateByState: {
    AL: 0.2393,
    MA: 0.1967,
    PI: 0.1597,
    CE: 0.1532,
    SE: 0.1522,
    BA: 0.1404,
    RJ: 0.1347,
    TO: 0.1277,
    PA: 0.1237,
    ES: 0.1223,
    SP: 0.059,
    MG: 0.056,
    PR: 0.05,
    RS: 0.072,
    SC: 0.098,
    DF: 0.071,
    GO: 0.082,
    PE: 0.108,
    MT: 0.068,
    MS: 0.116,
    PB: 0.11,
    RN: 0.108,
    RO: 0.029,
    AM: 0.041,
    AC: 0.038,
    AP: 0.045,
    RR: 0.122,
  } as Readonly<Record<string, number>>,
  /** Goods of an order in R$: log-normal, median R$ 280 (sneakers in Brazil; AOV of small shops R$ 242 in 2024). */
  ticket: { mu: Math.log(280), sigma: 0.5 },
  repeatShare24Months: [0.15, 0.25] as const,
  gapDays: { p50: 28.91, p75: 125.49, p95: 318.98 },
};
