/**
 * How long things take and how they end. Olist's delivery figures (about 96,200 delivered orders, fits on a sample of
 * 4,071); times in days unless the name says hours; log-normals as mu and sigma of the logarithm.
 */
export const approvalParameters = {
  /** Credit card, hours: a fast part (within the hour) and a slow one (checked by hand). */
  credit: { fastShare: 0.784, fast: { mu: -1.351, sigma: 0.441 }, slow: { mu: 2.341, sigma: 1.341 } },
  /** Debit card, hours: Olist's median 0.955 h over only 59 payments; the spread is an assumption. */
  debit: { mu: -0.046, sigma: 0.9 },
  /**
   * Boleto, hours: Olist's log-normal (3.232, 0.86). The median depends on the weekday of the purchase (Monday to
   * Sunday; banks clear on working days); `weekdayLevel` brings the pooled median back to the fit's.
   */
  boleto: { sigma: 0.8, medianByWeekday: [20.1, 25.4, 27.0, 27.4, 23.2, 62.8, 35.1], weekdayLevel: 0.89 },
  /** PIX, minutes: most pay at the till, some come back to the code later. Not in Olist (PIX began in 2020): assumption. */
  pix: { fastShare: 0.9, fast: { mu: 0.8, sigma: 0.7 }, slow: { mu: 4.1, sigma: 1.1 }, maxMinutes: 1430 },
};

export const unpaidParameters = {
  /** Shares that are never paid: boleto about a half, PIX 10 % (merchants' reports). Cards refused: assumption. */
  share: { 1: 0.04, 2: 0.03, 3: 0.1, 4: 0.5 },
  /** A PIX code is good for 30 minutes or for a day; a boleto for some days. */
  pixMinutes: { short: 30, shortShare: 0.7, long: 1440 },
  boletoDays: [3, 4, 5, 6],
  /** Refusals by the issuer or by anti-fraud, hours. Assumption. */
  refusalHours: { mu: -1.5, sigma: 1.2 },
  /** Days after the cancellation at which the unpaid order is deleted. Assumption. */
  purgeDays: [3, 10],
};

export const cancellationParameters = {
  /** Of paid orders that are to be shipped (Olist: 625 cancelled and 609 unavailable of 99,441; part of them unpaid). */
  share: 0.009,
  /** When, between payment and hand-over: fraction of that time, at least an hour after payment. */
  latestPart: 0.95,
};

export const transportParameters = {
  /**
   * Approval to hand-over to the carrier, days. Olist's log-normal is (0.563, 1.052); this one is drawn before it is moved
   * to working hours and days, after which it comes out near that (found by simulation).
   */
  handover: { mu: 0.32, sigma: 1.0, max: 45 },
  /** Share of Saturday's hand-overs that stay on Saturday (Olist: 2.3 % of all fall on one, none on Sunday). */
  saturdayHandover: 0.16,
  /** Where hand-overs and deliveries of a weekend go instead: days and shares; both ways, so that means stay. */
  weekendMoves: {
    saturday: [
      [-1, 0.3],
      [-2, 0.15],
      [2, 0.15],
      [3, 0.25],
      [4, 0.15],
    ],
    sunday: [
      [-2, 0.1],
      [-3, 0.1],
      [1, 0.25],
      [2, 0.3],
      [3, 0.25],
    ],
  },
  /** Hours of the day at which parcels are handed over and delivered. Assumption: working hours. */
  handoverHours: [8, 19],
  deliveryHours: [8.5, 20.5],
  /** Chances that a delivery that would fall on a Saturday or Sunday stays there (Olist: 5.4 % and 1.9 %). */
  saturdayDelivery: 0.37,
  sundayDelivery: 0.13,
  /**
   * Mean days from order to delivery by state (Olist, whole days, order-weighted mean 12.10), and what is added for the
   * fraction of the last day (with it Olist has 12.54; moving off weekends adds a little by itself).
   */
  meanDaysByState: {
    SP: 8.3,
    PR: 11.53,
    MG: 11.54,
    DF: 12.51,
    SC: 14.48,
    RJ: 14.85,
    RS: 14.82,
    GO: 15.15,
    MS: 15.19,
    ES: 15.33,
    TO: 17.23,
    MT: 17.59,
    PE: 17.97,
    RN: 18.82,
    BA: 18.87,
    RO: 18.91,
    PI: 18.99,
    PB: 19.95,
    CE: 20.82,
    AC: 20.64,
    SE: 21.03,
    MA: 21.12,
    PA: 23.32,
    AL: 24.04,
    AM: 25.99,
    AP: 26.73,
    RR: 28.98,
  },
  fractionOfDay: 0.3,
  /** What approval and hand-over take of that in the mean: the rest is transport. */
  beforeTransport: 3.05,
  /** How far places of one state differ (log-normal sigma): capital and backlands. Found by simulation. */
  remotenessSigma: 0.33,
  /** Shape of transport within a state: Burr XII, the scale follows from the state's mean. Found by simulation. */
  shape: { c: 2.1, d: 2.0 },
  maxDays: 150,
  minDays: 0.3,
};

export const promiseParameters = {
  /** Days by which deliveries are earlier than promised in the mean, by state (Olist). */
  earlyByState: {
    AL: 8,
    MA: 9,
    BA: 10,
    CE: 10,
    ES: 10,
    SE: 10,
    MS: 11,
    PI: 11,
    RJ: 11,
    SC: 11,
    SP: 11,
    DF: 12,
    GO: 12,
    TO: 12,
    MG: 13,
    PB: 13,
    PE: 13,
    PR: 13,
    RN: 13,
    RS: 13,
    MT: 14,
    PA: 14,
    RR: 17,
    AM: 19,
    AP: 19,
    AC: 20,
    RO: 20,
  },
  /** Share of deliveries later than promised (Olist: 8.1 %; ten states quoted, the others recalled, exact in total). */
  lateShareByState: {
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
  },
  /** Promised days from the order, by state: found by simulation so that the late share is the state's. */
  windowByState: {
    SP: 19.8,
    PR: 27.4,
    MG: 26.8,
    DF: 26.9,
    SC: 28,
    RJ: 25.9,
    RS: 31.5,
    GO: 30.7,
    MS: 27.7,
    ES: 27.5,
    TO: 30.5,
    MT: 37.6,
    PE: 33.6,
    RN: 34.8,
    BA: 32.3,
    RO: 51.1,
    PI: 30.8,
    PB: 36.8,
    CE: 34.3,
    AC: 52.5,
    SE: 34.6,
    MA: 31.7,
    PA: 41.2,
    AL: 33,
    AM: 65,
    AP: 64.4,
    RR: 50.9,
  },
  /**
   * The promise knows how remote the place is: it rises with this power of the remoteness, beside a spread of its own
   * (Olist: p05 10.3, p50 23.2, p95 39 days over all states).
   */
  remotenessPower: 0.8,
  sigma: 0.15,
};

export const returnParameters = {
  /** Of deliveries (footwear online in Brazil; the main reason is the size). Assumption of the project's figures. */
  share: 0.094,
  /** Days from delivery to the parcel's arrival at the shop, by reason: regret must be told within 7 days (CDC art. 49). */
  reasons: [
    { name: 'size', share: 0.52, days: { mu: 2.0, sigma: 0.5 } },
    { name: 'regret', share: 0.24, days: { mu: 2.2, sigma: 0.4 } },
    { name: 'other than expected', share: 0.14, days: { mu: 2.2, sigma: 0.5 } },
    { name: 'defect', share: 0.1, days: { mu: 3.0, sigma: 0.6 } },
  ],
  maxDays: 60,
};
