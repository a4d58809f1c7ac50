// Preloaded into a worker: its machine's clock is off by SHIFT_CLOCK_MS. The monotonic clock is not.
const shiftMs = Number(process.env['SHIFT_CLOCK_MS'] ?? 0);
const RealDate = globalThis.Date;
globalThis.Date = class ShiftedDate extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + shiftMs);
    else super(...args);
  }
  static now() {
    return RealDate.now() + shiftMs;
  }
};
