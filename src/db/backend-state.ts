/** What `pg_stat_activity` says of one backend. */
export interface BackendSighting {
  readonly pid: number;
  /** Null where it is not told: somebody else's, or `track_activities` is off. */
  readonly state: string | null;
  readonly waitEventType: string | null;
}

/**
 * `working`: the server is at the statement, however long it takes. `waiting`: it waits for us, as we wait for it: the
 * question or the answer is lost. `unknown`: it cannot be told.
 */
export type BackendVerdict = 'working' | 'waiting' | 'unknown';

/**
 * What an overdue answer's backend is at. One that the server does not know is dead, or a pooler in between makes up
 * process ids; then it counts whether anybody of our role is at a long statement (`othersAtWork`): it may be this one.
 */
export function judgeBackend(sighting: BackendSighting | undefined, othersAtWork: number): BackendVerdict {
  if (sighting === undefined) return othersAtWork > 0 ? 'unknown' : 'waiting';
  const { state, waitEventType } = sighting;
  if (state === null || state === 'disabled') return 'unknown';
  if (state.startsWith('idle')) return 'waiting';
  // it cannot get rid of its answer, or has only a part of the question
  return waitEventType === 'Client' ? 'waiting' : 'working';
}
