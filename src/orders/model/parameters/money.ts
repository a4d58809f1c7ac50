/**
 * What is paid, and how. Olist: Kaggle, doi 10.34740/KAGGLE/DSV/195341, 103,886 payments and 112,650 items.
 */
export const paymentParameters = {
  /**
   * Methods by channel: 1 Cartão Crédito, 2 Cartão Débito, 3 PIX, 4 Boleto Bancário. Over all channels PIX has about 47 %,
   * cards 48 %, boleto 5 %: the shares of Brazilian e-commerce in 2024–25 (PIX 43, cards 45, boleto 4, the rest in
   * wallets and others that the shop does not take, spread over these). The split by channel is an assumption: cards
   * at the counter, PIX in conversations, credit by telephone.
   */
  today: {
    1: { 1: 0.34, 2: 0.26, 3: 0.4, 4: 0 },
    2: { 1: 0.445, 2: 0.03, 3: 0.475, 4: 0.05 },
    3: { 1: 0.45, 2: 0.04, 3: 0.46, 4: 0.05 },
    4: { 1: 0.5, 2: 0, 3: 0.35, 4: 0.15 },
    5: { 1: 0.28, 2: 0.04, 3: 0.63, 4: 0.05 },
  },
  /** Olist's own methods (orders by main payment: credit 74,975, debit 1,527, boleto 19,784; vouchers left out). */
  olist: { 1: 0.7787, 2: 0.0159, 3: 0, 4: 0.2054 },
  /** Boleto's share of payments by state, in percent (Olist); 19.04 over all. */
  boletoByState: {
    AP: 28.57,
    RR: 28.26,
    MA: 26.47,
    TO: 25.25,
    MT: 24.84,
    RO: 24.52,
    RS: 23.98,
    MS: 23.78,
    SC: 22.38,
    PA: 21.27,
    GO: 21.26,
    PR: 21.25,
    SE: 20.78,
    ES: 19.13,
    AC: 19.05,
    MG: 19.04,
    SP: 18.81,
    DF: 17.97,
    PI: 17.94,
    BA: 17.01,
    PB: 16.32,
    PE: 16.03,
    RJ: 15.99,
    AL: 15.93,
    RN: 15.33,
    CE: 14.66,
    AM: 13.64,
  },
  boletoOverall: 19.04,
};

export const instalmentParameters = {
  /** Payments by card by number of instalments (Olist, 76,795; the two of 0 are taken as 1). */
  counts: {
    1: 25457,
    2: 12413,
    3: 10461,
    4: 7098,
    5: 5239,
    6: 3920,
    7: 1626,
    8: 4268,
    9: 644,
    10: 5328,
    11: 23,
    12: 133,
    13: 16,
    14: 15,
    15: 74,
    16: 5,
    17: 8,
    18: 27,
    20: 17,
    21: 3,
    22: 1,
    23: 1,
    24: 18,
  },
  /** By order total in R$ (Olist): upper end of the band, card payments, mean of instalments, share above one. */
  bands: [
    { below: 50, payments: 13343, mean: 1.685, above1: 0.3661 },
    { below: 100, payments: 22552, mean: 2.729, above1: 0.5722 },
    { below: 200, payments: 24653, mean: 3.821, above1: 0.7797 },
    { below: 400, payments: 11283, mean: 5.077, above1: 0.8689 },
    { below: 800, payments: 3483, mean: 6.469, above1: 0.9061 },
    { below: Number.POSITIVE_INFINITY, payments: 1481, mean: 7.638, above1: 0.9223 },
  ],
  /**
   * Sneakers cost more than Olist's goods: an order's total is taken at the same place of its distribution. Olist's
   * total is log-normal (4.694, 0.811); the shop's own total about log-normal with these.
   */
  olistTotal: { mu: 4.694, sigma: 0.811 },
  shopTotal: { mu: 5.65, sigma: 0.5 },
};

export const freightParameters = {
  /** Mean freight an item in R$ by state (Olist; overall 19.99). The mean over paid and free freight keeps to it. */
  meanByState: {
    RR: 42.98,
    PB: 42.72,
    RO: 41.07,
    AC: 40.07,
    PI: 39.15,
    MA: 38.26,
    TO: 37.25,
    SE: 36.65,
    AL: 35.84,
    PA: 35.83,
    RN: 35.65,
    AP: 34.01,
    AM: 33.21,
    PE: 32.92,
    CE: 32.71,
    MT: 28.17,
    BA: 26.36,
    MS: 23.37,
    GO: 22.77,
    ES: 22.06,
    RS: 21.74,
    SC: 21.47,
    DF: 21.04,
    RJ: 20.96,
    MG: 20.63,
    PR: 20.53,
    SP: 15.15,
  },
  /** Log-normal spread within a state, and how freight rises with the price of the item (Olist: Spearman 0.44). */
  sigma: 0.38,
  priceElasticity: 0.3,
  priceReference: 280,
  /** A further unit in the parcel costs this part of the first. Olist ships item by item, hence near 1. */
  furtherUnit: 0.85,
  /** Free shipping from this subtotal (R$) in the states near the warehouse; assumption, usual in Brazilian shops. */
  freeAbove: { SP: 499, RJ: 599, MG: 599, PR: 599, SC: 599, RS: 699 },
  /** Makes up for free parcels and for the spread: found by simulation, so that the mean keeps to `meanByState`. */
  level: { paid: 1.03, SP: 1.31, RJ: 1.21, MG: 1.22, PR: 1.21, SC: 1.21, RS: 1.16 },
  min: 4.9,
};

/** Discounts are rules. The rates are assumptions, usual in Brazilian online shops. */
export const discountParameters = {
  /** PIX: 5 % of the goods, where the shop sets the price itself (not at the counter, not in marketplaces). */
  pix: { rate: 0.05, channels: [2, 4, 5] },
  /** Coupon of the first purchase: a share of first orders uses it. */
  welcome: { rate: 0.1, share: 0.25 },
  /** Coupon by mail for those who come back. */
  coupon: { rate: 0.05, share: 0.12 },
  /** Black Friday, from the day before to Monday after: a share of orders has it. */
  blackFriday: { rate: 0.2, share: 0.8, fromDay: -1, toDay: 3 },
  /** Never more than this of the goods. */
  max: 0.3,
};
