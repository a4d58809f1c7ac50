import { describe, expect, it } from 'vitest';
import { measure } from '../../../bench/realism/measure.ts';
import { measureConsistency } from '../../../bench/realism/measure-consistency.ts';
import { measureDemand } from '../../../bench/realism/measure-demand.ts';
import { measureLife } from '../../../bench/realism/measure-life.ts';
import { measureLive } from '../../../bench/realism/measure-live.ts';
import { measureMoney, measureOlistMix } from '../../../bench/realism/measure-money.ts';
import { measurePeople } from '../../../bench/realism/measure-people.ts';
import { drawSample, type Sample } from '../../../bench/realism/sample.ts';
import type { Row } from '../../../bench/realism/targets.ts';
import { type ModelParameters, modelParameters } from '../../../src/orders/model/parameters.ts';

const SEED = 'realism';
const TIMEOUT_MS = 120_000;

const told = (rows: readonly Row[]) =>
  rows.filter((row) => !row.pass).map((row) => `${row.part}: ${row.what}: ${row.value}`);

describe('50,000 orders of one seed', () => {
  it('are in range in every row of the report', { timeout: TIMEOUT_MS }, () => {
    const rows = measure(drawSample({ orders: 50_000, seed: SEED }));
    expect(rows.length).toBeGreaterThan(55);
    expect(told(rows)).toEqual([]);
  });

  it('are paid as in the calibration with the olist mix', { timeout: TIMEOUT_MS }, () => {
    const rows = measureOlistMix(drawSample({ orders: 20_000, seed: SEED, paymentMix: 'olist' }));
    expect(rows).toHaveLength(1);
    expect(told(rows)).toEqual([]);
  });

  it('arrive by the week when live, and a high rate does not bend the people', {
    timeout: TIMEOUT_MS,
  }, () => {
    const rows = measureLive(SEED);
    expect(rows).toHaveLength(4);
    expect(told(rows)).toEqual([]);
  });
});

/** Parameters that are moved, each with the row that must fail for it; those of one sample do not touch each other's row. */
const moves: readonly {
  readonly part: string;
  readonly move: (parameters: ModelParameters) => void;
  readonly look: (sample: Sample) => Row[];
  readonly fails: readonly RegExp[];
}[] = [
  {
    part: 'the hours of the day, the luck of single days, Black Friday',
    move: ({ demand }) => {
      for (const hours of demand.hourOfWeek) hours.unshift(...hours.splice(-3));
      demand.dayEffectCv = 0.2;
      demand.blackFriday['0'] = 3;
    },
    look: measureDemand,
    fails: [/hour of day/, /variance\/mean/, /Black Friday/],
  },
  {
    part: 'PIX in the online shop, freight, the totals that instalments are chosen by',
    move: ({ payment, freight, instalments }) => {
      Object.assign(payment.today[2], { 1: 0.32, 3: 0.6 });
      for (const state of Object.keys(freight.meanByState) as (keyof typeof freight.meanByState)[]) {
        freight.meanByState[state] *= 1.15;
      }
      instalments.shopTotal.mu = 6.2;
    },
    look: measureMoney,
    fails: [/methods today/, /mean an item by state/, /by card: TV/],
  },
  {
    part: 'the transport to São Paulo, the hand-over, unpaid PIX, returns',
    move: ({ transport, unpaid, returns }) => {
      transport.meanDaysByState.SP = 10;
      transport.handover.mu = 0.7;
      unpaid.share[3] = 0.16;
      returns.share = 0.13;
    },
    look: measureLife,
    fails: [/mean days, SP/, /approval to carrier/, /PIX never paid/, /of deliveries/],
  },
  {
    part: 'the promised days, the approval of boletos',
    move: ({ promise, approval }) => {
      for (const state of Object.keys(promise.windowByState) as (keyof typeof promise.windowByState)[]) {
        promise.windowByState[state] *= 0.8;
      }
      approval.boleto.sigma = 0.4;
    },
    look: measureLife,
    fails: [/late deliveries/, /boleto, hours/],
  },
  {
    part: 'who comes back and when, the popularity of models, the channels',
    move: ({ customers, shelf, channels }) => {
      customers.dropoutB = 1.6;
      for (const knot of customers.gapDays) knot[1] = 1.5 * (knot[1] ?? 0);
      shelf.zipfExponent = 0.5;
      channels.share[2] = 0.8;
    },
    look: (sample) => [...measurePeople(sample), ...measureConsistency(sample)],
    fails: [/buy again within 24 months/, /median/, /Zipf/, /channel/, /age of account/],
  },
];

describe('a parameter that is moved', () => {
  it.each(moves)('is seen in its row: $part', { timeout: TIMEOUT_MS }, ({ move, look, fails }) => {
    const parameters = structuredClone(modelParameters);
    move(parameters);
    const failed = told(look(drawSample({ orders: 20_000, seed: SEED, parameters }))).join('; ');
    for (const row of fails) expect(failed).toMatch(row);
  });
});
