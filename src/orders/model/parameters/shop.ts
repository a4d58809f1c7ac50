/**
 * Who buys what, through which channel, and who comes back. Ids are those of the lookup tables.
 */
export const shelfParameters = {
  /**
   * Zipf–Mandelbrot popularity of models by rank: weight (rank + offset)^−exponent. Olist's units per product have a
   * long tail (median 1, p99 30, maximum 456); exponents of 0.8–1.0 are usual for retail catalogues.
   */
  zipfExponent: 0.88,
  zipfOffset: 4,
  /** A launched model sells (1 + heat) times its own level at first; the heat fades with this half-life. Assumption. */
  launchHeat: 3,
  launchHalfLifeDays: 21,
  /** How far colourways of one model differ: weight between 1 − spread and 1 + spread. Assumption. */
  colourSpread: 0.5,
  /**
   * Shares of Brazilian shoe sizes among adults (the national numbering). Men peak at 41, women at 36–37: the grading
   * that Brazilian shoe shops order by, rounded; assumption.
   */
  sizes: {
    men: { 37: 2, 38: 6, 39: 13, 40: 19, 41: 22, 42: 18, 43: 11, 44: 6, 45: 2, 46: 1 },
    women: { 33: 2, 34: 8, 35: 16, 36: 23, 37: 22, 38: 16, 39: 9, 40: 4 },
  },
  /** Share of orders bought for somebody else; a gift is for a man with `giftForMan`. Assumption. */
  giftShare: 0.12,
  giftForMan: 0.5,
};

export const basketParameters = {
  /** Orders by number of units (Olist: 98,666 orders, mean 1.14). */
  units: {
    1: 88863,
    2: 7516,
    3: 1322,
    4: 505,
    5: 204,
    6: 198,
    7: 22,
    8: 8,
    9: 3,
    10: 8,
    11: 4,
    12: 5,
    13: 1,
    14: 2,
    15: 2,
    20: 2,
    21: 1,
  },
  /** Chance that a further unit is one more of a product already in the basket (Olist: two of three are). */
  sameProduct: 0.6,
};

export const customerParameters = {
  /**
   * Whether a customer buys again: the dropout of a BG/NBD model (Fader, Hardie and Lee 2005), Beta(a, b) over people,
   * seen after the n-th purchase: P(again) = (b + n − 1)/(a + b + n − 1). After the first: 20 %, the middle of the
   * 15–25 % that single shops report over 24 months (Olist, a marketplace of many shops: 3 %). Assumption.
   */
  dropoutA: 3.2,
  dropoutB: 0.8,
  /**
   * Days from one purchase to the next, as quantiles (Olist, first to second: p25 0.00, p50 28.91, p75 125.49, p95
   * 318.98, p99 443.75, maximum 582.86); between these a monotone cubic (Fritsch and Carlson 1980), linear between the
   * knots. Below `sameDay` the customer is back within hours.
   */
  gapDays: [
    [0.26, 0.4],
    [0.3, 1.51],
    [0.35, 5.6],
    [0.4, 12.02],
    [0.45, 20.04],
    [0.5, 28.91],
    [0.55, 40.26],
    [0.6, 55.96],
    [0.65, 75.64],
    [0.7, 98.94],
    [0.75, 125.49],
    [0.8, 155.82],
    [0.84, 185.79],
    [0.88, 223.93],
    [0.92, 273.12],
    [0.95, 318.98],
    [0.97, 360.55],
    [0.98, 394.57],
    [0.99, 443.75],
    [0.995, 497.99],
    [1, 582.86],
  ],
  sameDay: 0.26,
  /** Same-day repeats: minutes after the order, log-normal (what was forgotten): median 20 minutes. Assumption. */
  sameDayMinutes: { mu: 3, sigma: 1, max: 300 },
  /** From this purchase on nobody comes back on the same day: at most three orders a day. */
  sameDayUntilPurchase: 2,
  /** Of those registered without an order, the share that ever buys, and how many days later (log-normal). Assumption. */
  firstPurchaseShare: 0.6,
  firstPurchaseDays: { mu: 2.7, sigma: 1.3 },
  /**
   * When returning customers wait (after a pause), at most this share of new orders is theirs, so that a backlog is
   * worked off over time and new people keep coming.
   */
  returningShareMax: 0.6,
};

export const channelParameters = {
  /**
   * 1 Loja Física, 2 E-commerce, 3 Marketplace, 4 Telefone, 5 WhatsApp. A shop that sells first of all through its own
   * site; assumption, in line with surveys of Brazilian small retailers (site and marketplaces first, WhatsApp beside).
   */
  share: { 1: 0.07, 2: 0.64, 3: 0.18, 4: 0.03, 5: 0.08 },
  /** The channel that pays, ships and delivers at once. */
  overTheCounter: 1,
};
