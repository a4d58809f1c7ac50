import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/lib/logger.ts';
import { once, Releasers } from '../../../src/lib/service.ts';

describe('releasers', () => {
  it('run last-in-first-out, each once, and one that fails does not stop the rest', async () => {
    const done: string[] = [];
    const releasers = new Releasers(silentLogger());
    releasers.add('first', () => void done.push('first'));
    releasers.add('broken', () => {
      done.push('broken');
      throw new Error('no');
    });
    releasers.add('last', async () => void done.push('last'));
    await Promise.all([releasers.releaseAll(), releasers.releaseAll()]);
    expect(done).toEqual(['last', 'broken', 'first']);
  });

  it('stop a service whose start failed half way', async () => {
    const done: string[] = [];
    const releasers = new Releasers(silentLogger());
    const service = {
      name: 'half',
      start: async () => {
        throw new Error('cannot start');
      },
      stop: async () => void done.push('stopped'),
    };
    await expect(releasers.start(service)).rejects.toThrow('cannot start');
    await releasers.releaseAll();
    expect(done).toEqual(['stopped']);
  });

  it('share one promise among all who ask', async () => {
    let runs = 0;
    const stop = once(async () => ++runs);
    expect(await Promise.all([stop(), stop()])).toEqual([1, 1]);
  });
});
