import { seedShop } from '../../src/catalog/seed.ts';
import type { DatabaseSettings } from '../../src/config/database.ts';
import type { Logger } from '../../src/lib/logger.ts';

/** The shop of the `seeded` template: small, and the same in every run but for its dates. */
export const TEST_SHOP = {
  seed: 'test',
  customers: 50,
  products: 60,
  historyDays: 30,
  historyOrders: 300,
  paymentMix: 'today',
  lifecycleSpeed: 1440,
} as const;

export async function seedTestShop(settings: DatabaseSettings, logger: Logger): Promise<void> {
  await seedShop(settings, TEST_SHOP, logger);
}
