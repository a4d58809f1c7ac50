import { faker as fakerPT_BR } from '@faker-js/faker/locale/pt_BR';
import type { Random } from '../lib/random.ts';
import { cpfOf, erasedCpf } from './cpf.ts';
import { citiesByState, ordersByState, quarters, streetKinds, streetNames } from './data/geography.ts';
import { people } from './data/people.ts';
import type { CustomerRow, State } from './types.ts';
import { states } from './types.ts';
import { weighted } from './weighted.ts';

export type AddressFields = Pick<
  CustomerRow,
  'telefone' | 'endereco' | 'bairro' | 'cidade' | 'estado' | 'cep'
>;

export interface CustomerFactory {
  /** A customer; unique by construction for unique ids. `registeredOn`: YYYY-MM-DD. */
  create(id: number, registeredOn: string): CustomerRow;
  /** A new home, in the same state or in another; the telephone stays when the area code does. */
  move(customer: Pick<CustomerRow, 'estado' | 'telefone'>, toAnotherState: boolean): AddressFields;
  /** A new number in the same area. */
  telephone(customer: Pick<CustomerRow, 'telefone'>): string;
  /** Another address; nobody else's. */
  email(customer: Pick<CustomerRow, 'id' | 'nome' | 'sobrenome'>): string;
  /** What is left of a customer after erasure (LGPD): no field that leads to a person. */
  erased(id: number, state: State, registeredOn: string): Omit<CustomerRow, 'id'>;
}

interface City {
  readonly name: string;
  readonly ddd: string;
  readonly firstCep: number;
  readonly lastCep: number;
}

const pools = createPools();

/** The lists that faker keeps for Brazilian Portuguese, taken once: a call of faker for each name would be slow. */
function createPools() {
  const { person } = fakerPT_BR.definitions;
  const list = (value: unknown): readonly string[] => {
    const texts = Array.isArray(value) ? value : Object.values(value as Record<string, unknown>).flat();
    return [
      ...new Set(
        texts.filter((text): text is string => typeof text === 'string' && /^[\p{L}' -]+$/u.test(text)),
      ),
    ];
  };
  return {
    men: list(person.first_name.male),
    women: list(person.first_name.female),
    surnames: list(person.last_name.generic),
  };
}

const drawState = weighted(states.map((state) => [state, ordersByState[state]] as const));
const drawCity = Object.fromEntries(
  states.map((state) => [state, weighted(citiesByState[state].map(parseCity))]),
) as Record<State, (random: Random) => City>;
const drawGender = weighted<number>(people.gender);
const drawMaritalStatus = weighted<number>(people.maritalStatus);
const drawProvider = weighted<string>(people.emailProviders);
const drawStreetKind = weighted(streetKinds);

function parseCity(text: string): readonly [City, number] {
  const [name = '', ddd = '', first, last, weight] = text.split('|');
  return [{ name, ddd, firstCep: Number(first), lastCep: Number(last) }, Number(weight)];
}

/** Builds customers; draws from `random` alone. */
export function createCustomerFactory({ random }: { readonly random: Random }): CustomerFactory {
  const address = (state: State): AddressFields => {
    const city = drawCity[state](random);
    const flat = random.chance(people.flat) ? ` - Apto ${random.int(1, 22)}${random.int(1, 8)}` : '';
    return {
      telefone: `(${city.ddd}) 9${digits(random, 4)}-${digits(random, 4)}`,
      endereco: `${drawStreetKind(random)} ${random.pick(streetNames)}, ${random.int(1, 2400)}${flat}`,
      bairro: random.pick(quarters),
      cidade: city.name,
      estado: state,
      cep: `${String(random.int(city.firstCep, city.lastCep)).padStart(5, '0')}-${digits(random, 3)}`,
    };
  };
  return {
    create: (id, registeredOn) => {
      const state = drawState(random);
      const gender = drawGender(random);
      const nome = random.pick(
        gender === 1 || (gender === 3 && random.chance(0.5)) ? pools.men : pools.women,
      );
      const first = random.pick(pools.surnames);
      const sobrenome = random.chance(people.secondSurname)
        ? `${first} ${random.pick(pools.surnames)}`
        : first;
      return {
        id,
        nome,
        sobrenome,
        id_genero: gender,
        id_estadocivil: drawMaritalStatus(random),
        email: emailOf(id, nome, sobrenome, random),
        cpf: cpfOf(id, state),
        ...address(state),
        data_cadastro: registeredOn,
        id_emailmarketing: random.chance(people.optIn) ? 1 : 2,
      };
    },
    move: (customer, toAnotherState) => {
      let state = customer.estado;
      while (toAnotherState && state === customer.estado) state = drawState(random);
      const moved = address(state);
      const sameArea = moved.telefone.slice(0, 4) === customer.telefone.slice(0, 4);
      return sameArea ? { ...moved, telefone: customer.telefone } : moved;
    },
    telephone: (customer) => `${customer.telefone.slice(0, 5)}9${digits(random, 4)}-${digits(random, 4)}`,
    email: (customer) => emailOf(customer.id, customer.nome, customer.sobrenome, random),
    erased: (id, state, registeredOn) => ({
      nome: 'Cliente',
      sobrenome: 'Removido',
      id_genero: 3,
      id_estadocivil: 1,
      email: `removido.${id}@anonimo.invalid`,
      cpf: erasedCpf(id),
      telefone: '(00) 00000-0000',
      endereco: 'Removido',
      bairro: 'Removido',
      cidade: 'Removido',
      estado: state,
      cep: '00000-000',
      data_cadastro: registeredOn,
      id_emailmarketing: 2,
    }),
  };
}

function digits(random: Random, count: number): string {
  return String(random.int(0, 10 ** count - 1)).padStart(count, '0');
}

/** Letters of a name as an address has them: `João D'Ávila` → `joao`, `davila`. */
function plain(text: string): string {
  return text
    .normalize('NFD')
    .replaceAll(/[^A-Za-z]/g, '')
    .toLowerCase();
}

/** Nobody else's: the only digits are the id at the end. */
function emailOf(id: number, nome: string, sobrenome: string, random: Random): string {
  const first = plain(nome);
  const last = plain(sobrenome.split(' ').at(-1) ?? '');
  const local = random.pick([
    `${first}.${last}`,
    `${first}${last}`,
    `${first}_${last}`,
    `${first.charAt(0)}${last}`,
    `${last}.${first}`,
  ]);
  return `${local}${id}@${drawProvider(random)}`;
}

/** The address in one line, as `pedidos.endereco_entrega` takes it. */
export function deliveryAddressOf(
  row: Pick<CustomerRow, 'endereco' | 'bairro' | 'cidade' | 'estado' | 'cep'>,
): string {
  return `${row.endereco}, ${row.bairro}, ${row.cidade} - ${row.estado}, ${row.cep}`;
}
