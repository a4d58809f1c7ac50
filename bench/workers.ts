import { daemonOn, delay, placedPerSecond } from './daemons.ts';
import { type BenchContext, type Figure, median } from './suite.ts';

/** What one, two and four workers place when asked for more than the database takes. */
export async function run({ server, quick }: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const perTransaction of [1, 100]) {
    let alone: number | undefined;
    for (const workers of [1, 2, 4]) {
      const shop = await server.createShop({ poolSize: 2 });
      const env = {
        ORDERS_PER_MINUTE: '600000',
        ORDERS_PER_TRANSACTION: String(perTransaction),
        LIFECYCLE_SPEED: '1440',
      };
      const daemons = await Promise.all(Array.from({ length: workers }, () => daemonOn(shop, env)));
      await delay(5_000);
      const seen: number[] = [];
      for (let i = 0; i < 3; i++) seen.push(await placedPerSecond(shop, quick ? 3 : 10));
      await Promise.all(daemons.map((daemon) => daemon.end()));
      await shop.drop();
      const perSecond = median(seen);
      alone ??= perSecond;
      figures.push({
        what: `${workers} worker${workers === 1 ? '' : 's'} at full speed, ORDERS_PER_TRANSACTION=${perTransaction}`,
        seen: `${Math.round(perSecond).toLocaleString('en')} orders/s`,
        against: workers === 1 ? '' : `1 worker: ${Math.round(alone).toLocaleString('en')} orders/s`,
        ratio: workers === 1 ? null : perSecond / alone,
        goal: '',
        met: null,
      });
    }
  }
  return figures;
}
