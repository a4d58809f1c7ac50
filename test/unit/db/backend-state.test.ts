import { describe, expect, it } from 'vitest';
import { judgeBackend } from '../../../src/db/backend-state.ts';

const backend = (state: string | null, waitEventType: string | null = null) => ({
  pid: 1,
  state,
  waitEventType,
});

describe('what a backend is at, whose answer is overdue', () => {
  it.each([
    ['one that computes works', backend('active'), 'working'],
    ['one that waits for a lock works', backend('active', 'Lock'), 'working'],
    ['one that reads from disk works', backend('active', 'IO'), 'working'],
    ['one that cannot get rid of its answer waits for us', backend('active', 'Client'), 'waiting'],
    ['an idle one waits for us', backend('idle', 'Client'), 'waiting'],
    ['one inside a transaction waits for us', backend('idle in transaction', 'Client'), 'waiting'],
    ['so does one whose transaction failed', backend('idle in transaction (aborted)'), 'waiting'],
    ['of one that is not told nothing is known', backend(null), 'unknown'],
    ['nor of any where activities are not tracked', backend('disabled'), 'unknown'],
  ])('%s', (_name, sighting, verdict) => {
    expect(judgeBackend(sighting, 0)).toBe(verdict);
    // what others do says nothing about a backend that is known
    expect(judgeBackend(sighting, 3)).toBe(verdict);
  });

  it('one that the server does not know is gone, unless a pooler may have made its number up', () => {
    expect(judgeBackend(undefined, 0)).toBe('waiting');
    expect(judgeBackend(undefined, 1)).toBe('unknown');
  });
});
