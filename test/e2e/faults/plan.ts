import { createRandom } from '../../../src/lib/random.ts';

/** What is done to a running shop. Each is described, and done, in faults.ts. */
export const faultKinds = [
  'kill',
  'restart-fast',
  'restart-immediate',
  'cut',
  'slow',
  'half-close',
  'silence',
  'blackout',
  'terminate',
  'lock',
  'disk-full',
  'clock',
  'slot',
  'long-transaction',
  'sigstop',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface Fault {
  /** Position in the plan, from 1. */
  readonly number: number;
  readonly kind: FaultKind;
  /** How long the fault lasts, in milliseconds; what it means is the fault's business. */
  readonly lastsMs: number;
  /** A further draw in [0, 1): which worker, which side, which sign. */
  readonly draw: number;
}

/** How long a fault lasts, from–to, in milliseconds. */
const LASTS_MS: Readonly<Record<FaultKind, readonly [number, number]>> = {
  kill: [0, 1_500],
  'restart-fast': [0, 0],
  'restart-immediate': [0, 0],
  cut: [200, 4_000],
  slow: [1_000, 4_000],
  'half-close': [0, 0],
  silence: [0, 0],
  // short ones end before anybody has noticed
  blackout: [1_000, 12_000],
  terminate: [0, 0],
  lock: [500, 4_000],
  'disk-full': [1_000, 4_000],
  clock: [3_000, 6_000],
  slot: [1_000, 3_000],
  'long-transaction': [1_000, 5_000],
  // the lease runs for 6 s
  sigstop: [7_000, 12_000],
};

/** Slow ones come less often, so that a run sees many. */
const WEIGHTS: Readonly<Partial<Record<FaultKind, number>>> = {
  kill: 3,
  terminate: 3,
  cut: 2,
  lock: 2,
  'half-close': 2,
  blackout: 0.5,
  sigstop: 0.7,
  clock: 0.7,
  slot: 0.5,
};

/**
 * The faults of a run, endless; the same for the same seed. The first of them are one of each kind, in random order.
 */
export function* planFaults(seed: string, kinds: readonly FaultKind[] = faultKinds): Generator<Fault> {
  const random = createRandom(`faults/${seed}`);
  const open = [...kinds];
  const weights = kinds.map((kind) => WEIGHTS[kind] ?? 1);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const weighted = (): FaultKind => {
    let at = random.next() * total;
    for (const [index, kind] of kinds.entries()) {
      at -= weights[index] ?? 1;
      if (at < 0) return kind;
    }
    return random.pick(kinds);
  };
  for (let number = 1; ; number++) {
    const [kind = weighted()] = open.length > 0 ? open.splice(random.int(0, open.length - 1), 1) : [];
    const [from, to] = LASTS_MS[kind];
    yield { number, kind, lastsMs: random.int(from, to), draw: random.next() };
  }
}

export function describeFault(fault: Fault): string {
  const lasts = fault.lastsMs > 0 ? ` ${(fault.lastsMs / 1000).toFixed(1)} s` : '';
  return `${String(fault.number).padStart(3)} ${fault.kind}${lasts} (${fault.draw.toFixed(3)})`;
}
