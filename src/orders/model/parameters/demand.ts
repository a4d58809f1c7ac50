/**
 * When orders come. Calibrated on the public Olist data (Kaggle, doi 10.34740/KAGGLE/DSV/195341: 99,441 Brazilian
 * orders, 2016–2018); weekdays run from Monday to Sunday, hours are local (America/Sao_Paulo).
 */
export const demandParameters = {
  /** Orders by weekday and hour: 98,207 orders (all but cancelled and unavailable ones). */
  hourOfWeek: [
    [
      322, 134, 64, 36, 21, 22, 65, 159, 475, 765, 1020, 1068, 961, 1013, 1082, 1065, 1076, 974, 915, 933,
      1016, 1103, 982, 708,
    ],
    [
      304, 157, 80, 28, 28, 24, 71, 219, 515, 853, 950, 1040, 889, 1036, 1106, 1026, 1074, 956, 868, 909, 970,
      1017, 955, 685,
    ],
    [
      392, 175, 81, 31, 33, 26, 93, 210, 508, 817, 1029, 1046, 912, 1009, 1039, 971, 1024, 958, 837, 833, 892,
      953, 872, 612,
    ],
    [
      354, 167, 74, 39, 31, 28, 83, 217, 497, 750, 970, 945, 963, 968, 968, 916, 1066, 893, 776, 814, 829,
      832, 850, 541,
    ],
    [
      418, 210, 70, 48, 40, 35, 96, 204, 493, 758, 942, 983, 843, 989, 950, 969, 960, 807, 716, 772, 730, 714,
      695, 507,
    ],
    [
      312, 171, 66, 42, 25, 23, 52, 104, 248, 426, 648, 701, 681, 702, 670, 716, 688, 694, 707, 746, 723, 651,
      543, 425,
    ],
    [
      260, 140, 68, 43, 27, 27, 33, 105, 203, 343, 524, 715, 669, 714, 676, 707, 706, 792, 888, 892, 956, 876,
      864, 603,
    ],
  ],
  /**
   * Weekdays of ordinary weeks against the matrix, which holds Black Friday's week once in some 600 days: between the
   * matrix itself and what makes a year with its Black Friday come out as the matrix (Friday 0.93). In history only.
   */
  ordinaryWeekday: [1.008, 1.01, 1.012, 1.008, 0.965, 0.992, 1.002],
  /**
   * Relative demand by month, January first, before special days. Olist grew too fast in 2017 for a seasonal curve of
   * its own. Quiet February, busy May (Mother's Day) and August (Father's Day): assumption.
   */
  monthFactor: [0.97, 0.95, 0.98, 0.98, 1.03, 1.01, 0.99, 1.02, 0.98, 1.0, 1.0, 1.03],
  /** November's orders against the mean of October and December (Olist 2017); November's own factor follows from it. */
  novemberRatio: 1.464,
  /**
   * Demand of the days around Black Friday against an ordinary day of the season: days from Black Friday → factor.
   * Olist 2017: Friday 1176 orders against 170 a day in the four weeks before (6.9 times); the days after 499, 391,
   * 403, 380, 323, 267; each divided by the factor of its weekday.
   */
  blackFriday: { '-1': 1.6, '0': 6.95, '1': 3.83, '2': 2.73, '3': 2.08, '4': 1.99, '5': 1.74, '6': 1.51 },
  /** Days of the year that are far from ordinary (Olist 2017: 59, 90 and 74 orders against about 180): MM-DD → factor. */
  specialDays: { '12-24': 0.42, '12-25': 0.48, '12-31': 0.5, '01-01': 0.55 },
  /** Coefficient of variation of the day effect (log-normal): Olist 2017, detrended: variance/mean 2.44 at 124 a day. */
  dayEffectCv: 0.11,
};
