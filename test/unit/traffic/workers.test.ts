import { describe, expect, it } from 'vitest';
import { isDeadOn } from '../../../src/traffic/workers.ts';

describe('a worker that left its lease behind', () => {
  const dead = (label: string) => isDeadOn(label, 'shop', 1, (pid) => pid === 42);

  it('is dead when its process is gone, or when its process id is ours', () => {
    expect(dead('shop:41')).toBe(true);
    expect(dead('shop:1')).toBe(true);
  });

  it('is not known to be dead when its process lives, on another host, or by a label that says neither', () => {
    for (const label of [
      'shop:42',
      'shop2:41',
      'sho:41',
      'shop',
      'shop:',
      'shop:x',
      'shop:-1',
      'shop:0',
      'shop:1:41',
    ])
      expect(dead(label), label).toBe(false);
  });
});
