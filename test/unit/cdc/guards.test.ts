import { describe, expect, it } from 'vitest';
import { growthPerHour, hoursUntil, keepSamples, type Sample } from '../../../src/cdc/growth.ts';
import {
  judgeSlots,
  type SlotReading,
  slotCap,
  slotMessage,
  slotStep,
} from '../../../src/cdc/slot-health.ts';
import { judgeStorage, storageMessage } from '../../../src/cdc/storage-guard.ts';

const MB = 1024 ** 2;
const HOUR = 3_600_000;

function reading(change: Partial<SlotReading> = {}): SlotReading {
  return {
    name: 'hevo',
    plugin: 'pgoutput',
    active: true,
    walStatus: 'reserved',
    retainedBytes: 0,
    capBytes: 100 * MB,
    hoursLeft: null,
    restartLsn: '0/1',
    confirmedFlushLsn: '0/2',
    ...change,
  };
}

describe('growth', () => {
  it('is taken between the oldest sample of the window and the newest', () => {
    const samples = [0, 30, 60, 90].map((minutes) => ({ atMs: minutes * 60_000, bytes: minutes * MB }));
    expect(growthPerHour(samples, HOUR, 60_000)).toBe(60 * MB);
    expect(growthPerHour([{ atMs: 0, bytes: 900 * MB }, ...samples.slice(1)], HOUR, 60_000)).toBe(60 * MB);
  });

  it('is not known from one sample, nor from two a moment apart', () => {
    expect(growthPerHour([], HOUR, 0)).toBeNull();
    expect(growthPerHour([{ atMs: 5, bytes: 1 }], HOUR, 0)).toBeNull();
    expect(
      growthPerHour(
        [
          { atMs: 0, bytes: 1 },
          { atMs: 9_000, bytes: 2 },
        ],
        HOUR,
        10_000,
      ),
    ).toBeNull();
  });

  it('gives the hours until the cap, 0 when it is reached, null when nothing grows', () => {
    expect(hoursUntil(40 * MB, 100 * MB, 20 * MB)).toBe(3);
    expect(hoursUntil(100 * MB, 100 * MB, null)).toBe(0);
    expect(hoursUntil(1, 100, 0)).toBeNull();
    expect(hoursUntil(1, null, 5)).toBeNull();
  });

  it('keeps a bounded number of samples however often it is asked, and always the newest', () => {
    let samples: readonly Sample[] = [];
    for (let second = 0; second <= 7_200; second += 5) {
      samples = keepSamples(samples, { atMs: second * 1_000, bytes: second }, HOUR, 60_000);
    }
    expect(samples.at(-1)?.bytes).toBe(7_200);
    expect(samples.length).toBeGreaterThan(50);
    expect(samples.length).toBeLessThan(64);
    expect(samples[0]?.atMs).toBeGreaterThan(HOUR - 1);
  });

  it('forgets samples of the future: the clock was set back', () => {
    const samples = keepSamples([{ atMs: 9 * HOUR, bytes: 1 }], { atMs: HOUR, bytes: 2 }, 24 * HOUR, 1);
    expect(samples).toEqual([{ atMs: HOUR, bytes: 2 }]);
  });
});

describe('the cap of a slot', () => {
  it("is MAX_SLOT_LAG, or short of the server's own limit where that is less", () => {
    expect(slotCap(100 * MB, null)).toBe(100 * MB);
    expect(slotCap(100 * MB, 1_000 * MB)).toBe(100 * MB);
    expect(slotCap(1024 * MB, 1024 * MB)).toBeLessThan(1024 * MB);
    expect(slotCap(0, 100 * MB)).toBe(90 * MB);
    expect(slotCap(0, null)).toBeNull();
  });

  it('has steps at 25, 50, 80 and 100 %', () => {
    const at = (mb: number) => slotStep(reading({ retainedBytes: mb * MB }));
    expect([24, 25, 49, 50, 79, 80, 99, 100, 400].map(at)).toEqual([0, 25, 25, 50, 50, 80, 80, 100, 100]);
    expect(slotStep(reading({ retainedBytes: null }))).toBe(0);
    expect(slotStep(reading({ retainedBytes: 5, capBytes: null }))).toBe(0);
  });
});

describe('what slots do to traffic', () => {
  const verdict = (...retained: number[]) =>
    judgeSlots(
      retained.map((mb, i) => reading({ name: `s${i}`, retainedBytes: mb * MB, active: false })),
      true,
    );

  it('is a pause at the cap, by the worst slot, with what to do', () => {
    const { pause, resume } = verdict(3, 100, 50);
    expect(pause).toContain('s1 retains 100 MB');
    expect(pause).toContain("pg_drop_replication_slot('s1')");
    expect(resume).toBeNull();
  });

  it('tells of a connected reader that it does not keep up', () => {
    expect(judgeSlots([reading({ retainedBytes: 100 * MB })], true).pause).toContain('does not keep up');
  });

  it('is nothing between 80 and 100 %, so that traffic does not flutter', () => {
    expect(verdict(80)).toEqual({ pause: null, resume: null });
    expect(verdict(99)).toEqual({ pause: null, resume: null });
  });

  it('is a resume below 80 %, without slots, and when all that is left is lost', () => {
    expect(verdict(79).resume).not.toBeNull();
    expect(judgeSlots([], true).resume).not.toBeNull();
    expect(judgeSlots([reading({ walStatus: 'lost', retainedBytes: null })], true).resume).not.toBeNull();
  });

  it('is never a pause with MAX_SLOT_LAG=0', () => {
    expect(judgeSlots([reading({ retainedBytes: 900 * MB })], false).pause).toBeNull();
  });

  it('is told with share, hours left and advice', () => {
    const text = slotMessage(reading({ retainedBytes: 50 * MB, hoursLeft: 3.2, active: false }));
    expect(text).toBe(
      'slot hevo retains 50.0 MB of WAL, 50 % of 100 MB, 3.2 h left at the present rate; nobody reads it: start its reader again, or drop the slot if it is abandoned',
    );
    expect(slotMessage(reading({ walStatus: 'lost', retainedBytes: null }))).toContain('reload the target');
  });
});

describe('the size of the database', () => {
  const samples = [0, 1, 2].map((hours) => ({ atMs: hours * HOUR, bytes: (400 + hours * 2) * MB }));

  it('is judged by the hour and the day', () => {
    const judged = judgeStorage(samples, 500 * MB);
    expect(judged).toMatchObject({ growthPerHour: 2 * MB, growthPerDay: 48 * MB, hoursLeft: 48 });
    expect(storageMessage(judged as NonNullable<typeof judged>)).toBe(
      'database 404 MB, growing 2.0 MB an hour, 48.0 MB a day; limit 500 MB, 2 days left',
    );
  });

  it('has no limit with MAX_DATABASE_SIZE=0, and no growth from one reading', () => {
    const judged = judgeStorage(samples.slice(0, 1), 0);
    expect(judged).toMatchObject({
      capBytes: null,
      growthPerHour: null,
      growthPerDay: null,
      hoursLeft: null,
    });
    expect(storageMessage(judged as NonNullable<typeof judged>)).toContain('growth not known yet');
    expect(judgeStorage([], 0)).toBeNull();
  });
});
