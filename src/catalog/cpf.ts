import { cpfRegionDigit } from './data/geography.ts';
import type { State } from './types.ts';

/** Eight free digits: so many customers can have a CPF of their own. */
export const CPF_SPACE = 100_000_000;
/** Coprime to 10^8, so that multiplying by it permutes the space; successive ids lie far apart. */
const MULTIPLIER = 48_271_847n;
const OFFSET = 27_182_818n;
/** The upper half of the space is for the placeholders of erased customers. */
const ERASED_FROM = CPF_SPACE / 2;
/** Ten numbers at the end stand in for the bases of equal digits, which no authority issues. */
const SPARE_FROM = ERASED_FROM - 10;

/** A bijection of [0, 10^8). */
function permute(value: number): number {
  return Number((BigInt(value) * MULTIPLIER + OFFSET) % BigInt(CPF_SPACE));
}

/**
 * The CPF of a customer: valid, its ninth digit that of the state, and nobody else's: the first eight digits are a
 * permutation of the id. For ids below 49,999,990.
 */
export function cpfOf(id: number, state: State): string {
  if (id < 0 || id >= SPARE_FROM) throw new RangeError(`no CPF for the customer id ${id}`);
  return cpfFrom(id, cpfRegionDigit[state]);
}

/** A valid CPF that tells nothing, and is nobody's: for a customer whose data was erased. */
export function erasedCpf(id: number): string {
  if (id < 0 || id >= SPARE_FROM) throw new RangeError(`no CPF for the customer id ${id}`);
  return cpfFrom(ERASED_FROM + id, id % 10);
}

function cpfFrom(index: number, region: number): string {
  let base = permute(index);
  const nine = `${String(base).padStart(8, '0')}${region}`;
  if (/^(\d)\1{8}$/.test(nine)) base = permute(SPARE_FROM + region);
  return withCheckDigits(`${String(base).padStart(8, '0')}${region}`);
}

function withCheckDigits(nine: string): string {
  const tenth = checkDigit(nine);
  const all = `${nine}${tenth}${checkDigit(`${nine}${tenth}`)}`;
  return `${all.slice(0, 3)}.${all.slice(3, 6)}.${all.slice(6, 9)}-${all.slice(9)}`;
}

/** Weights fall to 2 at the last digit; the rest modulo 11 (Receita Federal). */
function checkDigit(digits: string): number {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) sum += (digits.charCodeAt(i) - 48) * (digits.length + 1 - i);
  const rest = (sum * 10) % 11;
  return rest === 10 ? 0 : rest;
}

/** True for a well-formed CPF with right check digits. */
export function isValidCpf(text: string): boolean {
  const digits = text.replaceAll(/\D/g, '');
  if (!/^\d{3}\.\d{3}\.\d{3}-\d{2}$/.test(text) || /^(\d)\1{10}$/.test(digits)) return false;
  return withCheckDigits(digits.slice(0, 9)) === text;
}
