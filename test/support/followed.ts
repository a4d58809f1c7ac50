import { type Source, sourceSide } from '../../src/verify/source-side.ts';
import type { Target } from '../../src/verify/target.ts';
import { openTarget } from '../../src/verify/targets/open.ts';
import { createTestDatabase, type Template, type TestDatabase } from './database.ts';
import { dropChecks, noCredentials } from './oracle.ts';
import { subscribe, type TestSubscription } from './subscription.ts';

/** A source and a copy that follows it by a native subscription, as the oracle sees both. */
export interface Followed {
  readonly origin: TestDatabase;
  readonly copy: TestDatabase;
  readonly subscription: TestSubscription;
  readonly source: Source;
  readonly target: Target;
  drop(): Promise<void>;
}

/** Resolves when the copy has everything that `fill` has written. */
export async function createFollowed(options: {
  readonly template: Exclude<Template, 'empty'>;
  /** Begins the names of publication, subscription and slot. */
  readonly name: string;
  readonly fill?: (origin: TestDatabase) => Promise<void>;
}): Promise<Followed> {
  const origin = await createTestDatabase({ template: options.template });
  const copy = await createTestDatabase({ template: 'migrated' });
  await dropChecks(copy.connections.pool);
  await options.fill?.(origin);
  const subscription = await subscribe(
    { pool: origin.connections.pool, settings: origin.settings },
    copy.connections.pool,
    `${options.name}_${origin.settings.database}`,
  );
  const source = sourceSide(origin.connections.pool, 'the source');
  const target = await openTarget({
    target: copy.url,
    schema: undefined,
    hevo: false,
    databricks: noCredentials,
  });
  await subscription.caughtUp();
  return {
    origin,
    copy,
    subscription,
    source,
    target,
    drop: async () => {
      await target.close();
      await subscription.drop();
      await copy.drop();
      await origin.drop();
    },
  };
}
