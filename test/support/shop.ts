import type { Connections } from '../../src/db/pool.ts';
import type { Logger } from '../../src/lib/logger.ts';

/** A small shop for tests; replaced by the seeder. */
export async function seedTestShop(_connections: Connections, _logger: Logger): Promise<void> {
  throw new Error('there is no seeder yet');
}
