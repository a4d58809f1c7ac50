import { CHANGED, CREATED } from './dialect.ts';
import type { CanonicalRow } from './target.ts';

/** How a row at the target can be wrong; see docs/verify.md. */
export const differenceClasses = ['missing', 'stale', 'extra', 'resurrected', 'wrong'] as const;
export type DifferenceClass = (typeof differenceClasses)[number];

/** What was seen of one key on both sides. */
export interface Sighting {
  /** The row at the source; null: not there. */
  readonly source: CanonicalRow | null;
  /** When the source deleted it, canonical time; null: no tombstone. */
  readonly deletedAt: string | null;
  /** The living rows with this key at the target. */
  readonly target: readonly CanonicalRow[];
  /** `atualizado_em` of the source's row when this key was first looked at; null: it was not there. */
  readonly firstChangedAt: string | null;
}

export type Verdict =
  | { readonly kind: 'same' }
  | { readonly kind: 'in flight' }
  | {
      readonly kind: DifferenceClass;
      /** Columns that differ; empty where the whole row does. */
      readonly columns: readonly string[];
      readonly note?: string;
      /** True: holds even though the source's row moved while the target was read. */
      readonly isCertain?: true;
    };

/** Columns whose canonical texts differ. */
export function differingColumns(source: CanonicalRow, target: CanonicalRow): string[] {
  return Object.keys(source).filter((column) => source[column] !== target[column]);
}

export function sameRow(a: CanonicalRow | null, b: CanonicalRow | null): boolean {
  if (a === null || b === null) return a === b;
  return differingColumns(a, b).length === 0;
}

/**
 * Judges one key. Whatever the source did after `horizon` need not have arrived. Canonical times sort as texts.
 * Unless it is certain, a verdict on a loss holds only when the source's row was the same before and after the target
 * was read.
 */
export function judge(sighting: Sighting, horizon: string): Verdict {
  const { source, target } = sighting;
  if (source === null) return judgeDeleted(sighting, horizon);
  const first = target[0];
  if (first === undefined) {
    if (isNewer(source[CREATED], horizon)) return { kind: 'in flight' };
    // it was there at the first look: only a row that was committed just now may still be absent
    return sighting.firstChangedAt === null
      ? { kind: 'missing', columns: [] }
      : { kind: 'missing', columns: [], isCertain: true };
  }
  if (target.length > 1) {
    return { kind: 'extra', columns: [], note: `${target.length} living rows with this key` };
  }
  const columns = differingColumns(source, first);
  if (columns.length === 0) return { kind: 'same' };
  if (isNewer(source[CHANGED], horizon)) {
    return missedEarlierVersion(sighting, first, horizon)
      ? { kind: 'stale', columns, isCertain: true }
      : { kind: 'in flight' };
  }
  return isOlder(first[CHANGED], source[CHANGED]) ? { kind: 'stale', columns } : { kind: 'wrong', columns };
}

function judgeDeleted({ target, deletedAt }: Sighting, horizon: string): Verdict {
  if (target.length === 0) return { kind: 'same' };
  if (deletedAt === null) return { kind: 'extra', columns: [], note: 'the source has no such row' };
  if (deletedAt > horizon) return { kind: 'in flight' };
  return { kind: 'resurrected', columns: [], note: `deleted at the source at ${deletedAt} UTC` };
}

/** The source has moved on since, but the target is behind even the version that was due. */
function missedEarlierVersion(sighting: Sighting, target: CanonicalRow, horizon: string): boolean {
  const due = sighting.firstChangedAt;
  return due !== null && due <= horizon && isOlder(target[CHANGED], due);
}

function isNewer(at: string | null | undefined, horizon: string): boolean {
  return at !== null && at !== undefined && at > horizon;
}

function isOlder(at: string | null | undefined, than: string | null | undefined): boolean {
  return at !== null && at !== undefined && than !== null && than !== undefined && at < than;
}

/** Why an order at the target is torn; empty when it is whole, or entirely absent. */
export function tornReasons(order: CanonicalRow | null, items: readonly CanonicalRow[]): string[] {
  if (order === null) return items.length === 0 ? [] : [`${items.length} items without their order`];
  const reasons: string[] = [];
  if (items.length === 0) reasons.push('no items');
  const subtotal = micros(order['subtotal']);
  const sum = items.reduce((total, item) => total + micros(item['subtotal']), 0n);
  if (items.length > 0 && subtotal !== sum) {
    reasons.push(`subtotal ${order['subtotal'] ?? 'NULL'}, but its items add up to ${decimal(sum)}`);
  }
  const total = subtotal + micros(order['frete']) - micros(order['valor_desconto']);
  if (micros(order['total']) !== total) {
    reasons.push(`total ${order['total'] ?? 'NULL'}, but its parts add up to ${decimal(total)}`);
  }
  return reasons;
}

const MICROS = 1_000_000n;

/** Millionths of a currency unit: exact also where a target keeps more than two digits. */
function micros(text: string | null | undefined): bigint {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text ?? '');
  if (match === null) return 0n;
  const value = BigInt(match[2] ?? '0') * MICROS + BigInt((match[3] ?? '').slice(0, 6).padEnd(6, '0'));
  return match[1] === '-' ? -value : value;
}

function decimal(amount: bigint): string {
  const sign = amount < 0n ? '-' : '';
  const value = amount < 0n ? -amount : amount;
  const digits = (value % MICROS)
    .toString()
    .padStart(6, '0')
    .replace(/0{1,4}$/, '');
  return `${sign}${value / MICROS}.${digits}`;
}

/** Milliseconds since the epoch as canonical time. */
export function canonicalTime(ms: number): string {
  return `${new Date(ms).toISOString().replace('T', ' ').slice(0, -1)}000`;
}
