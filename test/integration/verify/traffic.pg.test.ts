import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Source } from '../../../src/verify/source-side.ts';
import type { Target } from '../../../src/verify/target.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createFollowed, type Followed } from '../../support/followed.ts';
import { ask, found, tamper } from '../../support/oracle.ts';
import { seedTinyShop, tinyTraffic } from '../../support/tiny-shop.ts';

/** More by hand: VERIFY_RUNS=50. */
const RUNS = Number(process.env['VERIFY_RUNS'] ?? 5);
const ORDERS_PER_MINUTE = 600;

describe('the oracle while traffic runs', () => {
  let followed: Followed;
  let origin: TestDatabase;
  let copy: TestDatabase;
  let source: Source;
  let target: Target;
  let traffic: ReturnType<typeof tinyTraffic>;

  beforeAll(async () => {
    followed = await createFollowed({
      template: 'migrated',
      name: 'traffic',
      fill: ({ connections }) => seedTinyShop(connections.pool, 300),
    });
    ({ origin, copy, source, target } = followed);
    traffic = tinyTraffic(origin.connections.pool, ORDERS_PER_MINUTE);
  });

  afterAll(async () => {
    await traffic?.stop();
    await followed?.drop();
  });

  it(
    `raises no false alarm in ${RUNS} runs in a row, judging at once or waiting`,
    async () => {
      for (let run = 0; run < RUNS; run++) {
        const report = await ask(source, target, {
          ...(run % 2 === 0 ? { lagMs: 0, waitMs: 60_000 } : { lagMs: 20_000 }),
          probes: 2,
          bucketRows: 50,
        });
        expect(found(report), `run ${run}`).toEqual([]);
        expect(report.summary).toMatch(/^everything up to the watermark has arrived/);
        expect(report.latency).toMatchObject({ sent: 2, arrived: 2 });
      }
    },
    20_000 + RUNS * 70_000,
  );

  it('still sees the one row that is wrong', async () => {
    await tamper(copy.connections.pool, "UPDATE public.categorias SET nome = 'Casual ' WHERE id = 1");
    const report = await ask(source, target, { lagMs: 0, waitMs: 1_500 });
    expect(found(report).filter((line) => line.startsWith('categorias'))).toEqual([
      'categorias 1 wrong nome',
    ]);
    expect(report.ok).toBe(false);
  });

  it('sees a row that moves all the time and has stopped arriving', async () => {
    // the subscriber skips this row's updates: its copy there is frozen
    await copy.connections.pool.query(
      `CREATE FUNCTION public.hold_still() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
       CREATE TRIGGER hold_still BEFORE UPDATE ON public.cdc_heartbeat FOR EACH ROW EXECUTE FUNCTION public.hold_still();
       ALTER TABLE public.cdc_heartbeat ENABLE ALWAYS TRIGGER hold_still`,
    );
    await source.writeProbe('frozen');
    const beats = setInterval(() => void source.writeProbe('beat').catch(() => undefined), 100);
    try {
      const report = await ask(source, target, { tables: ['cdc_heartbeat'], lagMs: 0, waitMs: 1_500 });
      expect(report.counts).toMatchObject({ stale: 1 });
      expect(report.ok).toBe(false);
    } finally {
      clearInterval(beats);
    }
  });
});
