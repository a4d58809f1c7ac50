import { OperatorError } from '../../lib/errors.ts';
import { formatLsn, type Lsn } from './lsn.ts';

/** What the lakehouse file remembers of its tap. */
export interface TapState {
  /** Identifier of the source cluster; with `database` it says whose data this is. */
  readonly systemId: string;
  readonly database: string;
  readonly slot: string;
  /** `copying`: the first copy is not complete; `stopped`: stopped in good order, the slot was dropped. */
  readonly phase: 'copying' | 'streaming' | 'stopped';
  /** Everything committed before this position is in raw. */
  readonly appliedLsn: Lsn;
}

/** What the source says of the slot. */
export interface SlotFacts {
  readonly plugin: string;
  readonly database: string;
  readonly walStatus: string | null;
  readonly confirmedLsn: Lsn | null;
  readonly activePid: number | null;
}

export interface SourceIdentity {
  readonly systemId: string;
  readonly database: string;
}

export type Start =
  | { readonly kind: 'stream'; readonly from: Lsn }
  | { readonly kind: 'copy'; readonly dropSlot: boolean; readonly why: string };

const RESET = 'npm run sim -- lakehouse reset, then start it again: it copies the source anew';

/**
 * How a tap has to start: go on from where the file ends, or copy anew. Throws an OperatorError where neither is
 * right by itself: another source's file, a slot that is lost, or one that somebody else has moved.
 */
export function decideStart(state: TapState | null, slot: SlotFacts | null, source: SourceIdentity): Start {
  if (state !== null && (state.systemId !== source.systemId || state.database !== source.database)) {
    throw new OperatorError(
      `this lakehouse holds the data of another source (database ${state.database} of cluster ${state.systemId})`,
      { fix: 'name another file (--file), or npm run sim -- lakehouse reset' },
    );
  }
  if (slot !== null && (slot.plugin !== 'pgoutput' || slot.database !== source.database)) {
    throw new OperatorError(
      `the slot of the lakehouse belongs to database ${slot.database} (plugin ${slot.plugin})`,
      {
        fix: `stop whoever reads it there, then drop it: SELECT pg_drop_replication_slot('${state?.slot ?? 'cdc_sim_lakehouse'}')`,
      },
    );
  }
  if (state?.phase !== 'streaming') {
    const why =
      state === null
        ? 'nothing was copied yet'
        : state.phase === 'copying'
          ? 'the last copy was interrupted'
          : 'the slot was dropped when the tap stopped';
    return { kind: 'copy', dropSlot: slot !== null, why };
  }
  if (slot === null) return { kind: 'copy', dropSlot: false, why: 'the slot is gone' };
  if (slot.walStatus === 'lost') {
    throw new OperatorError(
      `the slot ${state.slot} is lost: the source removed log that was not read yet (max_slot_wal_keep_size)`,
      { fix: RESET },
    );
  }
  if (slot.confirmedLsn !== null && slot.confirmedLsn > state.appliedLsn) {
    throw new OperatorError(
      `the slot ${state.slot} stands at ${formatLsn(slot.confirmedLsn)}, beyond this file's ${formatLsn(state.appliedLsn)}: somebody else has read from it`,
      { fix: RESET },
    );
  }
  return { kind: 'stream', from: state.appliedLsn };
}
