import { beforeAll, describe, expect, it } from 'vitest';
import brazil from '../../../bench/realism/brazil.json' with { type: 'json' };
import olist from '../../../bench/realism/olist.json' with { type: 'json' };
import { createCustomerFactory, deliveryAddressOf } from '../../../src/catalog/customers.ts';
import { citiesByState } from '../../../src/catalog/data/geography.ts';
import { type CustomerRow, type State, states } from '../../../src/catalog/types.ts';
import { createRandom } from '../../../src/lib/random.ts';

const SAMPLE = 200_000;
let customers: CustomerRow[];
beforeAll(() => {
  const factory = createCustomerFactory({ random: createRandom('customers') });
  customers = Array.from({ length: SAMPLE }, (_, i) => factory.create(i + 1, '2025-03-14'));
});

const ddd: Readonly<Record<string, readonly number[]>> = brazil.ddd;
const cep: Readonly<Record<string, readonly (readonly string[])[]>> = brazil.cep;

/** Area codes of the capitals (Anatel), beside the calibration: what a Brazilian knows by heart. */
const CAPITALS: Readonly<Record<State, readonly [city: string, ddd: number]>> = {
  AC: ['Rio Branco', 68],
  AL: ['Maceió', 82],
  AM: ['Manaus', 92],
  AP: ['Macapá', 96],
  BA: ['Salvador', 71],
  CE: ['Fortaleza', 85],
  DF: ['Brasília', 61],
  ES: ['Vitória', 27],
  GO: ['Goiânia', 62],
  MA: ['São Luís', 98],
  MG: ['Belo Horizonte', 31],
  MS: ['Campo Grande', 67],
  MT: ['Cuiabá', 65],
  PA: ['Belém', 91],
  PB: ['João Pessoa', 83],
  PE: ['Recife', 81],
  PI: ['Teresina', 86],
  PR: ['Curitiba', 41],
  RJ: ['Rio de Janeiro', 21],
  RN: ['Natal', 84],
  RO: ['Porto Velho', 69],
  RR: ['Boa Vista', 95],
  RS: ['Porto Alegre', 51],
  SC: ['Florianópolis', 48],
  SE: ['Aracaju', 79],
  SP: ['São Paulo', 11],
  TO: ['Palmas', 63],
};

/** Area codes of the country beyond the capitals (Anatel). */
const INTERIOR: readonly (readonly [city: string, state: State, ddd: number])[] = [
  ['Campinas', 'SP', 19],
  ['Santos', 'SP', 13],
  ['Ribeirão Preto', 'SP', 16],
  ['São José dos Campos', 'SP', 12],
  ['Bauru', 'SP', 14],
  ['Uberlândia', 'MG', 34],
  ['Juiz de Fora', 'MG', 32],
  ['Londrina', 'PR', 43],
  ['Maringá', 'PR', 44],
  ['Joinville', 'SC', 47],
  ['Chapecó', 'SC', 49],
  ['Caxias do Sul', 'RS', 54],
  ['Santa Maria', 'RS', 55],
  ['Feira de Santana', 'BA', 75],
  ['Vitória da Conquista', 'BA', 77],
  ['Petrolina', 'PE', 87],
  ['Juazeiro do Norte', 'CE', 88],
  ['Imperatriz', 'MA', 99],
  ['Santarém', 'PA', 93],
];

const areaOf = (telephone: string) => Number(/^\((\d\d)\) 9\d{4}-\d{4}$/.exec(telephone)?.[1]);

const cityOf = new Map(
  states.flatMap((state) =>
    citiesByState[state].map((text) => [`${text.split('|')[0]}/${state}`, text.split('|')] as const),
  ),
);

/** What is wrong with where somebody lives; undefined: nothing. */
function wrongAddress(
  row: Pick<CustomerRow, 'telefone' | 'cep' | 'cidade' | 'estado' | 'endereco' | 'bairro'>,
): string | undefined {
  const { telefone, cep: code, cidade, estado } = row;
  const say = (what: string) => `${what}: ${cidade}/${estado} ${telefone} ${code}`;
  if (!ddd[estado]?.includes(areaOf(telefone))) return say('DDD');
  if (!/^\d{5}-\d{3}$/.test(code)) return say('CEP');
  const prefix = code.slice(0, 5);
  if (!cep[estado]?.some(([from = '', to = '']) => from <= prefix && prefix <= to))
    return say('CEP of state');
  const city = cityOf.get(`${cidade}/${estado}`);
  if (city === undefined) return say('city');
  if (Number(city[1]) !== areaOf(telefone)) return say('DDD of city');
  if (prefix < (city[2] ?? '') || prefix > (city[3] ?? '')) return say('CEP of city');
  if (!/^(Rua|Avenida|Travessa|Alameda) .+, \d+/.test(row.endereco)) return say(`street ${row.endereco}`);
  return row.bairro === '' ? say('quarter') : undefined;
}

describe('the cities', () => {
  it('lie in their states by area code and CEP, the capitals among them', () => {
    for (const state of states) {
      const cities = citiesByState[state].map((text) => text.split('|'));
      for (const [name, area, first = '', last = ''] of cities) {
        expect(ddd[state], `${name}/${state}`).toContain(Number(area));
        expect(first <= last, `${name}/${state}`).toBe(true);
        expect(
          cep[state]?.some(([from = '', to = '']) => from <= first && last <= to),
          `${name}/${state} ${first}–${last}`,
        ).toBe(true);
      }
      const [capital, area] = CAPITALS[state];
      expect(cities.find(([name]) => name === capital)?.[1], capital).toBe(String(area));
    }
    for (const [city, state, area] of INTERIOR)
      expect(cityOf.get(`${city}/${state}`)?.[1], city).toBe(String(area));
  });
});

describe('200,000 customers', () => {
  it('live where area code, CEP, city and state agree', () => {
    expect(customers.flatMap((row) => wrongAddress(row) ?? []).slice(0, 5)).toEqual([]);
  });

  it('are spread over the states as the orders of Olist are', () => {
    const counts = new Map<string, number>();
    for (const { estado } of customers) counts.set(estado, (counts.get(estado) ?? 0) + 1);
    const target: Readonly<Record<string, number>> = olist.orders_by_state.counts;
    const total = Object.values(target).reduce((sum, value) => sum + value, 0);
    const distance =
      states.reduce(
        (sum, state) => sum + Math.abs((counts.get(state) ?? 0) / SAMPLE - (target[state] ?? 0) / total),
        0,
      ) / 2;
    expect(distance).toBeLessThan(0.02);
    expect(counts.size).toBe(27);
  });

  it('have an e-mail address each, nobody else’s, in ASCII', () => {
    expect(new Set(customers.map((row) => row.email)).size).toBe(SAMPLE);
    const wrong = customers.filter(
      ({ email }) => !/^[a-z]+([._][a-z]+)?\d+@[a-z]+(\.[a-z]+){1,2}$/.test(email),
    );
    expect(wrong.slice(0, 5).map((row) => row.email)).toEqual([]);
  });

  it('keep an address of their own when they change it, again and again', () => {
    const factory = createCustomerFactory({ random: createRandom('changes') });
    const owner = new Map(customers.slice(0, 20_000).map((row) => [row.email, row.id]));
    let shared = 0;
    let changed = 0;
    for (const row of customers.slice(0, 20_000)) {
      for (let i = 0; i < 4; i++) {
        const email = factory.email(row);
        if (email !== row.email) changed += 1;
        if ((owner.get(email) ?? row.id) !== row.id) shared += 1;
        owner.set(email, row.id);
      }
    }
    expect(shared).toBe(0);
    expect(changed).toBeGreaterThan(40_000);
  });

  it('have names that fit their gender', () => {
    const names = (gender: number) =>
      new Set(customers.filter((row) => row.id_genero === gender).map((row) => row.nome));
    const [men, women, others] = [names(1), names(2), names(3)];
    expect([...men].filter((name) => women.has(name))).toEqual([]);
    expect([...others].filter((name) => !men.has(name) && !women.has(name))).toEqual([]);
    const known = {
      men: ['João', 'Pedro', 'Carlos', 'Felipe', 'Rafael', 'Gustavo', 'Lucas', 'Eduardo'],
      women: ['Maria', 'Ana Clara', 'Beatriz', 'Júlia', 'Larissa', 'Isabela', 'Helena', 'Alice'],
    };
    const among = (list: readonly string[], set: ReadonlySet<string>) => list.filter((name) => set.has(name));
    expect(among(known.men, men).length).toBeGreaterThan(4);
    expect(among(known.women, women).length).toBeGreaterThan(4);
    expect(among(known.men, women)).toEqual([]);
    expect(among(known.women, men)).toEqual([]);
    const share = (gender: number) => customers.filter((row) => row.id_genero === gender).length / SAMPLE;
    expect(share(1)).toBeCloseTo(0.485, 2);
    expect(share(2)).toBeCloseTo(0.5, 2);
  });

  it('fit into their columns', () => {
    const longest = (text: (row: CustomerRow) => string) =>
      customers.reduce((longest, row) => Math.max(longest, text(row).length), 0);
    expect(longest((row) => row.nome)).toBeLessThanOrEqual(60);
    expect(longest((row) => row.sobrenome)).toBeLessThanOrEqual(80);
    // an id may have ten digits more than here
    expect(longest((row) => row.email)).toBeLessThanOrEqual(150);
    expect(longest((row) => row.telefone)).toBeLessThanOrEqual(20);
    expect(longest((row) => row.endereco)).toBeLessThanOrEqual(160);
    expect(longest((row) => row.bairro)).toBeLessThanOrEqual(80);
    expect(longest((row) => row.cidade)).toBeLessThanOrEqual(80);
    expect(longest(deliveryAddressOf)).toBeLessThanOrEqual(320);
  });

  it('are the same for the same seed, and others for another', () => {
    const made = (seed: string) =>
      createCustomerFactory({ random: createRandom(seed) }).create(1, '2025-03-14');
    expect(made('customers')).toEqual(customers[0]);
    expect(made('others')).not.toEqual(customers[0]);
  });
});

describe('a customer who moves', () => {
  const factory = createCustomerFactory({ random: createRandom('moves') });

  it('gets a whole new address: in the same state or in another, as told', () => {
    const wrong: string[] = [];
    for (const row of customers.slice(0, 20_000)) {
      for (const toAnotherState of [false, true]) {
        const moved = factory.move(row, toAnotherState);
        if ((moved.estado !== row.estado) !== toAnotherState) wrong.push(`${row.estado} → ${moved.estado}`);
        const bad = wrongAddress(moved);
        if (bad !== undefined) wrong.push(bad);
        const sameArea = areaOf(moved.telefone) === areaOf(row.telefone);
        if (sameArea && moved.telefone !== row.telefone) wrong.push(`number of ${row.id} did not stay`);
      }
    }
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  it('keeps the area code with a new number', () => {
    const wrong = customers
      .slice(0, 5_000)
      .filter((row) => areaOf(factory.telephone(row)) !== areaOf(row.telefone));
    expect(wrong).toEqual([]);
    const [first] = customers;
    if (first === undefined) throw new Error('no customer');
    expect(factory.telephone(first)).not.toBe(first.telefone);
  });
});

describe('a customer who was erased', () => {
  it('has no field left that leads to a person, and stays unlike any other erased one', () => {
    const factory = createCustomerFactory({ random: createRandom('erased') });
    const [ana, rui] = customers;
    if (ana === undefined || rui === undefined) throw new Error('no customers');
    const left = factory.erased(ana.id, ana.estado, ana.data_cadastro);
    for (const field of [
      'nome',
      'sobrenome',
      'email',
      'cpf',
      'telefone',
      'endereco',
      'bairro',
      'cidade',
      'cep',
    ] as const)
      expect(left[field]).not.toBe(ana[field]);
    expect(left.email).toMatch(/\.invalid$/);
    expect(left).toMatchObject({
      estado: ana.estado,
      data_cadastro: ana.data_cadastro,
      id_emailmarketing: 2,
    });
    const other = factory.erased(rui.id, rui.estado, rui.data_cadastro);
    expect(other.email).not.toBe(left.email);
    expect(other.cpf).not.toBe(left.cpf);
  });
});
