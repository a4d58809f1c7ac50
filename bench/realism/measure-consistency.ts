import type { CustomerRow } from '../../src/catalog/types.ts';
import { dayOfDate, localDay } from '../../src/orders/model/calendar.ts';
import brazil from './brazil.json' with { type: 'json' };
import { histogram } from './measure-money.ts';
import { customerIdOf, type Sample } from './sample.ts';
import { shareOf, totalVariation } from './statistics.ts';
import { distance, near, type Row, row, targets } from './targets.ts';

const ddds: Readonly<Record<string, readonly number[]>> = brazil.ddd;
const ceps: Readonly<Record<string, readonly (readonly string[])[]>> = brazil.cep;
const cpfRegions: Readonly<Record<string, readonly string[]>> = brazil.cpf_9th_digit_region;

/** What of a customer does not fit the state: area code, CEP, CPF region, CPF check digits. */
export function contradictions(person: CustomerRow): string[] {
  const found: string[] = [];
  const state = person.estado;
  if (!ddds[state]?.includes(Number(person.telefone.slice(1, 3)))) found.push('area code');
  const cep = person.cep.slice(0, 5);
  if (!ceps[state]?.some(([first = '', last = '']) => cep >= first && cep <= last)) found.push('CEP');
  const digits = [...person.cpf].filter((c) => c >= '0' && c <= '9').map(Number);
  if (!cpfRegions[String(digits[8])]?.includes(state)) found.push('CPF region');
  if (checkDigit(digits, 9) !== digits[9] || checkDigit(digits, 10) !== digits[10])
    found.push('CPF check digits');
  return found;
}

/** The check digit of a CPF over its first `length` digits (weights length + 1 … 2, modulo 11). */
function checkDigit(digits: readonly number[], length: number): number {
  let total = 0;
  for (let i = 0; i < length; i++) total += (digits[i] ?? 0) * (length + 1 - i);
  const rest = (total * 10) % 11;
  return rest === 10 ? 0 : rest;
}

/** Days between registration and order, by band: same day, a month, half a year, a year, longer. */
export function accountAgeBands(sample: Sample): number[] {
  const counts = [0, 0, 0, 0, 0];
  for (const order of sample.orders) {
    const registered = sample.people.get(customerIdOf(order))?.data_cadastro ?? '';
    const days = localDay(order.placedAtMs) - dayOfDate(registered);
    const band = days <= 0 ? 0 : days <= 30 ? 1 : days <= 180 ? 2 : days <= 365 ? 3 : 4;
    counts[band] = (counts[band] ?? 0) + 1;
  }
  return counts;
}

/** Who the people are, and whether what is known of them agrees. */
export function measureConsistency(sample: Sample): Row[] {
  const people = [...sample.people.values()];
  const unique = (key: (person: CustomerRow) => string) => people.length - new Set(people.map(key)).size;
  return [
    distance(
      'people',
      'gender: TV from the stated shares',
      totalVariation(
        histogram(
          people.map((person) => person.id_genero),
          3,
        ),
        targets.gender,
      ),
      0.03,
    ),
    near(
      'people',
      'opted in to mails',
      shareOf(people, (person) => person.id_emailmarketing === 1),
      targets.optIn,
      0.03,
    ),
    distance(
      'people',
      'age of account at the order: TV from the stated shares',
      totalVariation(accountAgeBands(sample), targets.accountAge),
      0.03,
    ),
    row(
      'consistency',
      'customers whose area code, CEP or CPF contradicts the state (count)',
      people.filter((person) => contradictions(person).length > 0).length,
      0,
      0,
      0,
    ),
    row(
      'consistency',
      'CPFs and e-mails used twice (count)',
      unique((p) => p.cpf) + unique((p) => p.email),
      0,
      0,
      0,
    ),
  ];
}
