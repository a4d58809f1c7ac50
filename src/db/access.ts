import { identifier } from '../lib/sql-text.ts';
import { expectedTables } from './expected-tables.ts';
import { qualified } from './shape.ts';

export interface SchemaAccess {
  readonly name: string;
  readonly exists: boolean;
  readonly owner: string | null;
  readonly usage: boolean;
  readonly create: boolean;
}

/** How the connecting role stands to an owner. */
export interface OwnerFacts {
  readonly name: string;
  /** Its rights are ours. */
  readonly inherits: boolean;
  /** A member, whether or not it inherits. */
  readonly member: boolean;
}

export interface ObjectAccess {
  readonly schema: string;
  readonly name: string;
  readonly owner: string;
  /** `SELECT`, `INSERT` …: those that the role has, by whatever way. */
  readonly granted: readonly string[];
}

export interface AccessFacts {
  readonly role: string;
  readonly database: string;
  readonly createInDatabase: boolean;
  readonly public: SchemaAccess;
  readonly simulator: SchemaAccess;
  readonly owners: readonly OwnerFacts[];
  readonly tables: readonly ObjectAccess[];
  readonly sequences: readonly ObjectAccess[];
}

/** What a role lacks, and how the owner gives it. */
export interface Lack {
  readonly message: string;
  readonly fix: string;
}

/** What the role lacks to make the tables in a database that has none of them; undefined: nothing. */
export function judgeCreation(facts: AccessFacts): Lack | undefined {
  const role = identifier(facts.role);
  const { simulator } = facts;
  if (!facts.public.exists) {
    return {
      message: `the database ${facts.database} has no schema public, where the tables belong`,
      fix: `let the owner of the database run: CREATE SCHEMA public AUTHORIZATION ${role};`,
    };
  }
  const grants: string[] = [];
  if (!simulator.exists && !facts.createInDatabase)
    grants.push(`GRANT CREATE ON DATABASE ${identifier(facts.database)} TO ${role};`);
  if (simulator.exists && !(simulator.usage && simulator.create))
    grants.push(`GRANT USAGE, CREATE ON SCHEMA simulator TO ${role};`);
  if (!facts.public.create) grants.push(`GRANT CREATE ON SCHEMA public TO ${role};`);
  if (!facts.public.usage) grants.push(`GRANT USAGE ON SCHEMA public TO ${role};`);
  if (grants.length === 0) return undefined;
  const owner =
    simulator.exists && simulator.owner !== null ? ` (schema simulator belongs to ${simulator.owner})` : '';
  return {
    message: `user ${facts.role} may not create what the simulator needs in ${facts.database}${owner}`,
    fix: `connect as the owner of the database, or let the owner run: ${grants.join(' ')}`,
  };
}

/** A newer version changes tables, and that only their owner may. `pending`: migrations that are still to run. */
export function judgeOwnership(facts: AccessFacts, pending: readonly string[]): Lack | undefined {
  const foreign = facts.tables.filter(({ owner }) => !isOurs(facts, owner));
  if (foreign.length === 0) return undefined;
  const owners = [...new Set(foreign.map(({ owner }) => owner))];
  const names = foreign.slice(0, 3).map((table) => `${qualified(table)} (${table.owner})`);
  return {
    message: `user ${facts.role} does not own the tables that ${pending.join(', ')} changes: ${names.join(', ')}${foreign.length > 3 ? ' …' : ''}`,
    fix: `run npm run sim -- migrate once as ${owners.join(' and ')}, or ${membership(facts, owners)}`,
  };
}

/** What the role lacks to work with the tables that are there; undefined: nothing. */
export function judgeAccess(facts: AccessFacts): Lack | undefined {
  const role = identifier(facts.role);
  const grants = [facts.public, facts.simulator]
    .filter(({ exists, usage }) => exists && !usage)
    .map(({ name }) => `GRANT USAGE ON SCHEMA ${name} TO ${role};`);
  const lacking = [...lackOfTables(facts), ...lackOfSequences(facts)];
  for (const kind of [...new Set(lacking.map(({ what }) => what))]) {
    const names = lacking.filter(({ what }) => what === kind).map(({ name }) => name);
    grants.push(`GRANT ${kind} ${names.join(', ')} TO ${role};`);
  }
  if (grants.length === 0) return undefined;
  const owners = [
    ...new Set([
      ...lacking.map(({ owner }) => owner),
      ...[facts.public, facts.simulator].flatMap(({ usage, owner }) =>
        usage || owner === null ? [] : [owner],
      ),
    ]),
  ];
  const examples = lacking.slice(0, 3).map(({ what, name, owner }) => `${what} ${name} (of ${owner})`);
  const schemas = grants
    .filter((grant) => grant.startsWith('GRANT USAGE ON SCHEMA'))
    .map((grant) => grant.slice(6, -1).replace(/ TO .*/, ''));
  const lacks = [...schemas, ...examples].join(', ');
  return {
    message: `user ${facts.role} lacks privileges on the shop in ${facts.database}: ${lacks}${lacking.length > 3 ? ` and ${lacking.length - 3} more` : ''}; nothing was changed`,
    fix: `connect as ${owners.join(' or ')}, or ${membership(facts, owners)}, or let the owner run: ${grants.join(' ')}`,
  };
}

interface Lacking {
  readonly what: string;
  readonly name: string;
  readonly owner: string;
}

function lackOfTables(facts: AccessFacts): Lacking[] {
  return expectedTables.flatMap((expected) => {
    const table = facts.tables.find(
      ({ schema, name }) => schema === expected.schema && name === expected.name,
    );
    if (table === undefined) return [];
    const missing = expected.privileges.filter((privilege) => !table.granted.includes(privilege));
    if (missing.length === 0) return [];
    return [{ what: `${missing.join(', ')} ON`, name: qualified(table), owner: table.owner }];
  });
}

/** USAGE for the next value, SELECT to see the last one, UPDATE for the seed, which sets it. */
function lackOfSequences(facts: AccessFacts): Lacking[] {
  return facts.sequences.flatMap((sequence) => {
    const missing = ['USAGE', 'SELECT', 'UPDATE'].filter(
      (privilege) => !sequence.granted.includes(privilege),
    );
    if (missing.length === 0) return [];
    return [{ what: `${missing.join(', ')} ON SEQUENCE`, name: qualified(sequence), owner: sequence.owner }];
  });
}

function isOurs(facts: AccessFacts, owner: string): boolean {
  return owner === facts.role || facts.owners.some(({ name, inherits }) => name === owner && inherits);
}

function membership(facts: AccessFacts, owners: readonly string[]): string {
  const role = identifier(facts.role);
  const idle = owners.filter((owner) =>
    facts.owners.some(({ name, member, inherits }) => name === owner && member && !inherits),
  );
  if (idle.length > 0) {
    const names = idle.map(identifier).join(', ');
    return `let ${facts.role} inherit what it is a member of (GRANT ${names} TO ${role} WITH INHERIT TRUE; before PostgreSQL 16: ALTER ROLE ${role} INHERIT)`;
  }
  return `make it a member (GRANT ${owners.map(identifier).join(', ')} TO ${role})`;
}
