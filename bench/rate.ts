import { daemonOn, delay, placedPerSecond } from './daemons.ts';
import type { BenchContext, Figure } from './suite.ts';

/** What the daemon achieves of what it is asked, from 1 to 100,000 orders a minute. */
export async function run({ server, quick }: BenchContext): Promise<Figure[]> {
  const seconds = quick ? 10 : 60;
  const figures: Figure[] = [];
  for (const [rate, arrivals] of [
    [1, 'uniform'],
    [60, 'uniform'],
    [60, 'poisson'],
    [6_000, 'uniform'],
    [6_000, 'poisson'],
    [30_000, 'uniform'],
    [100_000, 'uniform'],
  ] as const) {
    const shop = await server.createShop({ poolSize: 2 });
    const daemon = await daemonOn(shop, {
      ORDERS_PER_MINUTE: String(rate),
      ARRIVALS: arrivals,
      ORDERS_PER_TRANSACTION: rate > 6_000 ? '100' : '1',
    });
    await delay(5_000);
    const seen = (await placedPerSecond(shop, seconds)) * 60;
    await daemon.end();
    await shop.drop();
    const expected = (rate * seconds) / 60;
    const off = Math.abs(seen - rate) / rate;
    const sigmas = (Math.abs(seen - rate) * seconds) / 60 / Math.sqrt(expected);
    // over a short stretch one order more or less is more than 1 %
    const met = arrivals === 'uniform' ? off <= 0.01 || (off * rate * seconds) / 60 <= 1 : sigmas <= 3;
    figures.push({
      what: `rate, ${arrivals}, over ${seconds} s`,
      seen: `${Math.round(seen).toLocaleString('en')} orders/min`,
      against: `asked: ${rate.toLocaleString('en')}`,
      ratio: seen / rate,
      goal: arrivals === 'uniform' ? 'within 1 %' : 'within 3 σ',
      met,
    });
  }
  return figures;
}
