import { describe, expect, it } from 'vitest';
import { Announcer } from '../../../src/lib/announcer.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { TrafficGate } from '../../../src/traffic/gate.ts';
import { RateMeter } from '../../../src/traffic/rate-meter.ts';

describe('the gate', () => {
  it('is open again when the last who held it lets go; each change is told once', () => {
    const announcer = new Announcer(silentLogger(), { nowMs: () => 0 }, 'never');
    const told: string[] = [];
    announcer.subscribe(({ event }) => told.push(event));
    const gate = new TrafficGate(announcer);
    gate.resume('operator', 'nobody held it');
    gate.pause('slot', 'too much WAL');
    gate.pause('slot', 'still too much WAL');
    gate.pause('operator', 'by hand');
    expect(gate.reasons.get('slot')).toBe('still too much WAL');
    gate.resume('operator', 'by hand');
    expect(gate.open).toBe(false);
    gate.resume('slot', 'read again');
    expect(gate.open).toBe(true);
    expect(told).toEqual(['traffic.paused', 'traffic.paused', 'traffic.resumed', 'traffic.resumed']);
  });
});

describe('the meter of a rate', () => {
  it('scales a young count by its age and an old one by the minute', () => {
    const meter = new RateMeter(0);
    for (let second = 0; second < 30; second++) meter.add(second * 1_000, 2);
    expect(meter.perMinute(30_000)).toBe(120);
    for (let second = 30; second < 600; second++) meter.add(second * 1_000, 2);
    expect(meter.perMinute(599_000)).toBe(120);
    expect(meter.total).toBe(1_200);
  });

  it('forgets what is older than a minute', () => {
    const meter = new RateMeter(0);
    meter.add(1_000, 500);
    expect(meter.perMinute(62_000)).toBe(0);
    expect(meter.perMinute(7 * 86_400_000)).toBe(0);
  });
});
