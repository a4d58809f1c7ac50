import { randomBytes } from 'node:crypto';
import type { Config } from '../config/config.ts';
import type { SeedOptions } from './seed.ts';

/** The shop that the configuration asks for; without RANDOM_SEED, one that nobody had before. */
export function seedOptionsOf(config: Config): SeedOptions {
  return {
    seed: config.randomSeed ?? randomBytes(4).toString('hex'),
    ...config.shop,
    paymentMix: config.traffic.paymentMix,
    lifecycleSpeed: config.traffic.lifecycleSpeed,
  };
}
