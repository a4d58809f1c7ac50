import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { delay } from '../../../src/lib/backoff.ts';
import { until } from '../../support/subscription.ts';
import type { Fault, FaultKind } from './plan.ts';
import { pgCtl, SLOT_CAP_MB, type Stage } from './stage.ts';

const CLOCK_SHIFT = pathToFileURL(join(import.meta.dirname, 'shift-clock.mjs')).href;

/** Does the fault and takes it away again; returns why it was left out, when this machine cannot do it. */
type Act = (stage: Stage, fault: Fault) => Promise<string | undefined>;

const acts: Readonly<Record<FaultKind, Act>> = {
  kill: async (stage, { lastsMs }) => {
    await stage.main.end('SIGKILL');
    await delay(lastsMs);
    stage.main = stage.startMain();
    return undefined;
  },
  'restart-fast': async (stage) => {
    await pgCtl(stage, ['restart', '-m', 'fast']);
    return undefined;
  },
  'restart-immediate': async (stage) => {
    await pgCtl(stage, ['restart', '-m', 'immediate']);
    return undefined;
  },
  cut: async ({ proxy }, { lastsMs }) => {
    proxy.cut();
    await delay(lastsMs);
    proxy.heal();
    return undefined;
  },
  slow: async ({ proxy }, { lastsMs, draw }) => {
    proxy.slow(50 + 400 * draw);
    await delay(lastsMs);
    proxy.heal();
    return undefined;
  },
  'half-close': async ({ proxy }) => {
    proxy.halfClose();
    return undefined;
  },
  silence: async ({ proxy }) => {
    proxy.silence();
    return undefined;
  },
  blackout: async ({ proxy }, { lastsMs }) => {
    proxy.blackout();
    await delay(lastsMs);
    proxy.heal();
    return undefined;
  },
  terminate: async ({ direct }) => {
    await direct.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'cdc-sim'`,
    );
    return undefined;
  },
  lock: lockHotProduct,
  'disk-full': fillDisk,
  clock: async (stage, { lastsMs, draw }) => {
    const shiftMs = draw < 0.5 ? -3_600_000 : 3_600_000;
    const other = stage.startOther({
      NODE_OPTIONS: `--import=${CLOCK_SHIFT}`,
      SHIFT_CLOCK_MS: String(shiftMs),
    });
    await other.waitForEvent('order.placed');
    await delay(lastsMs);
    return ended(await other.end());
  },
  slot: neglectSlot,
  'long-transaction': async ({ direct }, { lastsMs }) => {
    const client = await direct.pool.connect();
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await client.query('SELECT pg_current_xact_id(), count(*) FROM public.pedidos');
      await delay(lastsMs);
      await client.query('COMMIT');
    } finally {
      client.release();
    }
    return undefined;
  },
  sigstop: async (stage, { lastsMs, draw }) => {
    const other = stage.startOther();
    await other.waitForEvent('order.placed');
    const sleeper = draw < 0.5 ? other : stage.main;
    sleeper.process.kill('SIGSTOP');
    await delay(lastsMs);
    sleeper.process.kill('SIGCONT');
    await delay(1_000);
    return ended(await other.end());
  },
};

/** A worker that was asked to stop must say 0. */
function ended(code: number | null): undefined {
  if (code !== 0) throw new Error(`a worker that was told to stop ended with ${code}`);
}

async function lockHotProduct({ direct }: Stage, { lastsMs }: Fault): Promise<undefined> {
  const client = await direct.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(
      `SELECT id FROM public.produtos WHERE id IN (
         SELECT id_produto FROM public.itenspedido GROUP BY id_produto ORDER BY count(*) DESC LIMIT 3)
       ORDER BY id FOR UPDATE`,
    );
    await delay(lastsMs);
    await client.query('COMMIT');
  } finally {
    client.release();
  }
}

async function fillDisk({ disk, main }: Stage, { lastsMs }: Fault): Promise<string | undefined> {
  if (disk === null) return 'needs the right to mount a small disk';
  const filler = join(disk.folder, 'filler');
  const from = main.lines.length;
  const file = openSync(filler, 'w');
  try {
    const block = Buffer.alloc(4_096);
    try {
      for (;;) writeSync(file, block);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    }
    await main.waitForEvent('database.lost', { from });
    await delay(lastsMs);
  } finally {
    closeSync(file);
    rmSync(filler, { force: true });
  }
  return undefined;
}

/** A slot without a reader, and more WAL than may wait for it: traffic must stop, and go on once the slot is gone. */
async function neglectSlot({ direct, main }: Stage, { lastsMs }: Fault): Promise<undefined> {
  const from = main.lines.length;
  await direct.pool.query(`SELECT pg_create_logical_replication_slot('nobody', 'pgoutput')`);
  try {
    for (let written = 0; written <= SLOT_CAP_MB; written += 4) {
      await direct.pool.query(
        `SELECT pg_logical_emit_message(false, 'faults', string_agg(md5(i::text), '')) FROM generate_series(1, 131072) i`,
      );
    }
    await main.waitForEvent('traffic.paused', { from });
    await delay(lastsMs);
  } finally {
    await until('the slot is dropped', async () => {
      await direct.pool.query(
        `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'nobody' AND NOT active`,
      );
      const left = await direct.pool.query(`SELECT 1 FROM pg_replication_slots WHERE slot_name = 'nobody'`);
      return left.rowCount === 0;
    });
  }
  await main.waitForEvent('traffic.resumed', { from });
}

export async function act(stage: Stage, fault: Fault): Promise<string | undefined> {
  return acts[fault.kind](stage, fault);
}
