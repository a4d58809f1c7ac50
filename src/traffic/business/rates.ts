/**
 * How often a shop's smaller events happen. All are assumptions, chosen to be seen in a stream without drowning the
 * orders; rates of people scale with the orders placed, rates of the assortment with its size and the days of business
 * that have passed (at `LIFECYCLE_SPEED` 1440 a day of business is a minute).
 */
export const businessRates = {
  /** For each order placed. */
  perOrder: {
    /** People who register and look around; the model of customers decides whether and when they buy. */
    registrations: 0.15,
    profileChanges: 0.03,
    /** Marketing mails: mostly people who have had enough. */
    consentChanges: 0.012,
    /** Requests to be forgotten (LGPD art. 18, VI). */
    erasures: 0.0015,
  },
  /** What a profile change changes. */
  profile: { address: 0.55, telephone: 0.22, email: 0.13, civilStatus: 0.1 },
  /** Of changed addresses: moves to another state. */
  movesToAnotherState: 0.12,
  /** Of marriages that end: by death. */
  widowed: 0.15,
  /** Of consent changes: refusals. */
  optOut: 0.8,
  /** For each model and day of business. */
  perModelDay: {
    reprice: 0.05,
    /** On the days around Black Friday. */
    repriceBlackFriday: 0.5,
    launch: 0.003,
  },
  prices: {
    /** Margin of an ordinary price and of a promotion: range in which it is drawn, share of the price. */
    ordinary: [0.4, 0.55],
    promotion: [0.22, 0.36],
    promotionShare: 0.3,
    promotionShareBlackFriday: 0.9,
    /** A single step never moves a price further than this, up or down. */
    maxStep: 0.3,
  },
  restock: {
    /** Ordered when the stock would last for fewer of the job's intervals than this, or is below `minUnits`. */
    reorderIntervals: 3,
    minUnits: 6,
    /** Ordered up to this many intervals, at least `lotUnits`; suppliers deliver boxes of `boxUnits`. */
    coverIntervals: 12,
    lotUnits: 24,
    boxUnits: 6,
    /** The supplier is late: nothing comes this time. */
    late: 0.15,
  },
  /** A model may be discontinued from this age on, in days of business, when the shop has more than it opened with. */
  discontinueAfterDays: 45,
};
export type BusinessRates = typeof businessRates;
