import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import brazil from '../../../bench/realism/brazil.json' with { type: 'json' };
import { cpfOf, erasedCpf, isValidCpf } from '../../../src/catalog/cpf.ts';
import { type State, states } from '../../../src/catalog/types.ts';

const SAMPLE = 200_000;
const SPACE = 100_000_000n;
/** The first id that the generator refuses. */
const TOO_HIGH = 49_999_990;

const digitsOf = (cpf: string) => [...cpf.replaceAll(/\D/g, '')].map(Number);

/** Check digits by the definition of the Receita Federal, written from it and not from the generator. */
function hasRightCheckDigits(cpf: string): boolean {
  const digits = digitsOf(cpf);
  if (digits.length !== 11) return false;
  return [9, 10].every((length) => {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += (digits[i] ?? 0) * (length + 1 - i);
    const rest = sum % 11;
    return digits[length] === (rest < 2 ? 0 : 11 - rest);
  });
}

const isWellFormed = (cpf: string) => /^\d{3}\.\d{3}\.\d{3}-\d{2}$/.test(cpf);
const isOneDigitRepeated = (cpf: string) => new Set(digitsOf(cpf).slice(0, 9)).size === 1;
const baseOf = (cpf: string) => BigInt(digitsOf(cpf).slice(0, 8).join(''));

/** Which region issued a CPF, by the state's row in the calibration. */
const regionOf = new Map<string, string>(
  Object.entries(brazil.cpf_9th_digit_region).flatMap(([digit, members]) =>
    members.map((state) => [state, digit] as const),
  ),
);
const stateOfRegion = (digit: number) => {
  const state = states.find((each) => regionOf.get(each) === String(digit));
  if (state === undefined) throw new Error(`no state for region ${digit}`);
  return state;
};

/** The index whose first eight digits are `base`: the bases run in equal steps around the space. */
function indexOfBase(base: bigint): number {
  const start = baseOf(cpfOf(0, 'SP'));
  const step = (baseOf(cpfOf(1, 'SP')) - start + SPACE) % SPACE;
  let [a, b, x, y] = [step, SPACE, 1n, 0n];
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  if (a !== 1n) throw new Error('the step is no unit: bases repeat');
  return Number(((((base - start) * x) % SPACE) + SPACE) % SPACE);
}

describe('the CPF of a customer', () => {
  it('is valid, nobody else’s, and of the state’s region, for 200,000 ids', () => {
    const seen = new Set<string>();
    const wrong: string[] = [];
    for (let id = 1; id <= SAMPLE; id++) {
      const state = states[id % states.length] as State;
      const cpf = cpfOf(id, state);
      seen.add(cpf.slice(0, 11));
      if (
        !isWellFormed(cpf) ||
        !hasRightCheckDigits(cpf) ||
        isOneDigitRepeated(cpf) ||
        cpf.charAt(10) !== regionOf.get(state)
      )
        wrong.push(cpf);
    }
    expect(wrong).toEqual([]);
    expect(seen.size).toBe(SAMPLE);
  });

  it('stays its own when a neighbour lives in another region: eight digits tell two customers apart', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: TOO_HIGH - 1 }),
        fc.integer({ min: 0, max: TOO_HIGH - 1 }),
        fc.constantFrom(...states),
        fc.constantFrom(...states),
        (a, b, stateA, stateB) => {
          fc.pre(a !== b);
          return cpfOf(a, stateA) !== cpfOf(b, stateB) && cpfOf(a, stateA) !== erasedCpf(b);
        },
      ),
      { seed: 7, numRuns: 5_000 },
    );
  });

  it('never repeats one digit, also where the bases would: a spare base stands in, and is used once', () => {
    const standIns = new Set<string>();
    for (let digit = 0; digit <= 9; digit++) {
      const index = indexOfBase(BigInt(String(digit).repeat(8)));
      const half = Number(SPACE) / 2;
      const state = stateOfRegion(digit);
      const cpf = index < TOO_HIGH ? cpfOf(index, state) : erasedCpf(index - half);
      const isOfRegion = index < TOO_HIGH || (index - half) % 10 === digit;
      expect(isOneDigitRepeated(cpf)).toBe(false);
      expect(hasRightCheckDigits(cpf)).toBe(true);
      if (!isOfRegion) continue;
      expect(indexOfBase(baseOf(cpf))).toBeGreaterThanOrEqual(TOO_HIGH);
      expect(indexOfBase(baseOf(cpf))).toBeLessThan(half);
      standIns.add(cpf);
    }
    expect(standIns.size).toBeGreaterThan(2);
  });

  it('ends where the space ends, instead of repeating', () => {
    expect(hasRightCheckDigits(cpfOf(TOO_HIGH - 1, 'AC'))).toBe(true);
    expect(() => cpfOf(TOO_HIGH, 'AC')).toThrow(RangeError);
    expect(() => erasedCpf(TOO_HIGH)).toThrow(RangeError);
    expect(() => cpfOf(-1, 'AC')).toThrow(RangeError);
  });
});

describe('the CPF that is left after an erasure', () => {
  it('is valid, and neither another erased one’s nor a customer’s', () => {
    const customers = new Set<string>();
    const erased = new Set<string>();
    let wrong = 0;
    for (let id = 1; id <= SAMPLE; id++) {
      customers.add(cpfOf(id, states[id % states.length] as State));
      const cpf = erasedCpf(id);
      erased.add(cpf);
      if (!isWellFormed(cpf) || !hasRightCheckDigits(cpf) || isOneDigitRepeated(cpf)) wrong += 1;
    }
    expect(wrong).toBe(0);
    expect(erased.size).toBe(SAMPLE);
    expect([...erased].filter((cpf) => customers.has(cpf))).toEqual([]);
  });
});

describe('isValidCpf', () => {
  it('knows right from wrong', () => {
    for (const valid of ['529.982.247-25', '111.444.777-35', '000.000.001-91'])
      expect(isValidCpf(valid)).toBe(true);
    for (const invalid of [
      '529.982.247-26',
      '529.982.247-15',
      '529982247-25',
      '52998224725',
      '111.111.111-11',
      '000.000.000-00',
      '529.982.24-25',
      '',
    ])
      expect(isValidCpf(invalid)).toBe(false);
  });
});
