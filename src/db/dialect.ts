import { PostgresAdapter, PostgresDialect } from 'kysely';

/**
 * Kysely's PostgreSQL without its session-level migration lock: through a pooler in transaction mode such a lock stays
 * behind on a backend that somebody else gets next, and keeps nobody out. `migrate` holds a lock of its own, bound to
 * its transaction.
 */
class SessionlessAdapter extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {}

  override async releaseMigrationLock(): Promise<void> {}
}

export class SessionlessPostgresDialect extends PostgresDialect {
  override createAdapter(): PostgresAdapter {
    return new SessionlessAdapter();
  }
}
