import type { Run } from './app.ts';
import { findingsOf, runDoctor } from './cdc/doctor.ts';
import { beatWhenDue } from './cdc/heartbeat.ts';
import { deleteOldOrders, pruneLedger } from './cdc/retention.ts';
import { SlotGuard } from './cdc/slot-guard.ts';
import { StorageGuard } from './cdc/storage-guard.ts';
import { Complaints } from './db/complaints.ts';
import { claimJob } from './db/jobs.ts';
import type { DoctorReport } from './http/source.ts';
import type { Service } from './lib/service.ts';
import { CronService } from './schedule/cron.ts';
import type { StatusDoctor } from './status-source.ts';

/** What keeps the source fit for its readers. */
export interface Housekeeping {
  readonly slotGuard: SlotGuard;
  readonly storageGuard: StorageGuard;
  readonly doctor: StatusDoctor;
  readonly services: readonly Service[];
}

const HEARTBEAT_SCHEDULE = '*/5 * * * * *';
const RETENTION_SCHEDULE = '7,27,47 * * * * *';
const RETENTION_EVERY_MS = 15_000;
const PRUNE_SCHEDULE = '33 */10 * * * *';
const PRUNE_EVERY_MS = 9 * 60_000;

/** Builds the guards, the heartbeat, the clean-up and the doctor of a run. Starts nothing. */
export function createHousekeeping(run: Run): Housekeeping {
  const { config, logger, source, clock, announcer, watch, gate } = run;
  const { db } = source.connections;
  const { maxSlotLagBytes, maxDatabaseBytes, retentionDays } = config.limits;
  const shared = { db, clock, watch, announcer, gate, logger };
  const slotGuard = new SlotGuard({ ...shared, maxSlotLagBytes });
  const storageGuard = new StorageGuard({ ...shared, maxDatabaseBytes });
  const stopping = new AbortController();
  const complaints = new Complaints(logger, () => clock.monotonicMs());

  const job = (name: string, expression: string, work: () => Promise<void>) =>
    new CronService({
      name,
      expression,
      logger,
      tick: async () => {
        if (!watch.up) return;
        try {
          await work();
        } catch (error) {
          if (!watch.report(error)) throw error;
        }
      },
      onError: (error) => complaints.tell(`${name} failed`, error),
    });
  const services: Service[] = [
    slotGuard,
    storageGuard,
    job('heartbeat', HEARTBEAT_SCHEDULE, async () => {
      await beatWhenDue(db);
    }),
    job('prune', PRUNE_SCHEDULE, async () => {
      if (await claimJob(db, 'prune', PRUNE_EVERY_MS)) await pruneLedger(db);
    }),
  ];
  if (retentionDays > 0) {
    services.push(
      job('retention', RETENTION_SCHEDULE, async () => {
        if (!(await claimJob(db, 'retention', RETENTION_EVERY_MS))) return;
        const { orders } = await deleteOldOrders(db, {
          days: retentionDays,
          nowMs: clock.nowMs(),
          signal: stopping.signal,
        });
        if (orders > 0) {
          logger.info(
            { event: 'retention', orders },
            `${orders} finished orders older than ${retentionDays} days deleted`,
          );
        }
      }),
    );
  }
  // the last to start is the first to stop: a long clean-up then ends with its batch
  services.push({ name: 'clean-up', start: async () => undefined, stop: async () => stopping.abort() });
  return { slotGuard, storageGuard, doctor: createStatusDoctor(run), services };
}

/** The doctor as the page wants it: one examination at a time, the last one kept. */
function createStatusDoctor(run: Run): StatusDoctor {
  const { config, source } = run;
  let last: DoctorReport | null = null;
  let running: Promise<DoctorReport> | undefined;
  const examine = async (): Promise<DoctorReport> => {
    try {
      const report = await runDoctor(source.connections, source.settings, config.limits);
      last = { atMs: report.atMs, findings: findingsOf(report) };
      return last;
    } finally {
      running = undefined;
    }
  };
  return {
    last: () => last,
    run: () => {
      running ??= examine();
      return running;
    },
  };
}
