import { defineConfig } from 'vitest/config';

/**
 * Three kinds of tests: `unit` needs nothing, `pg` has a real PostgreSQL (one embedded server for the run, a
 * database of its own for each file), `e2e` spawns the daemon, browsers and further servers, one file at a time.
 */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], sequence: { groupOrder: 0 } } },
      {
        test: {
          name: 'pg',
          include: ['test/integration/**/*.pg.test.ts'],
          globalSetup: ['test/support/pg-server.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
