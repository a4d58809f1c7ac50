import { sql } from 'kysely';
import type { AccessFacts } from './access.ts';
import type { FoundSequence } from './contents.ts';
import { expectedSequences, expectedTables } from './expected-tables.ts';
import type { Db } from './pool.ts';
import type { FoundTable } from './shape.ts';

/** What the catalog says of our tables and of our rights; readable without any right on them. */
export interface Catalog {
  readonly access: AccessFacts;
  readonly tables: readonly FoundTable[];
}

interface CatalogRow {
  access: Omit<AccessFacts, 'tables' | 'sequences'>;
  tables: (FoundTable & { owner: string; granted: string[] })[];
  sequences: { schema: string; name: string; owner: string; granted: string[] }[];
}

const SCHEMA = (name: 'public' | 'simulator') => sql`
  (SELECT json_build_object('name', ${name}::text, 'exists', n.oid IS NOT NULL, 'owner', pg_get_userbyid(n.nspowner),
      'usage', coalesce(has_schema_privilege(n.oid, 'USAGE'), false), 'create', coalesce(has_schema_privilege(n.oid, 'CREATE'), false))
    FROM (SELECT) one LEFT JOIN pg_namespace n ON n.nspname = ${name})`;

/** Rights on a table or sequence `c`, of those in `names`. */
const GRANTED = (has: 'has_table_privilege' | 'has_sequence_privilege', names: readonly string[]) => sql`
  (SELECT coalesce(json_agg(p), '[]') FROM unnest(${sql.val([...names])}::text[]) AS p WHERE ${sql.raw(has)}(c.oid, p))`;

const COLUMNS = sql`
  (SELECT coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
      'notNull', a.attnotnull, 'filled', a.atthasdef OR a.attidentity <> '', 'identity', a.attidentity,
      'generated', a.attgenerated <> '') ORDER BY a.attnum), '[]')
    FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)`;

const KEY_COLUMNS = sql`
  (SELECT json_agg(a.attname ORDER BY k.nr) FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, nr)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum)`;

/** One query, whatever is there. */
export async function readCatalog(db: Db): Promise<Catalog> {
  const schemas = expectedTables.map(({ schema }) => schema);
  const names = expectedTables.map(({ name }) => name);
  const result = await sql<CatalogRow>`
    WITH ours AS MATERIALIZED (
      SELECT c.*, n.nspname FROM unnest(${sql.val(schemas)}::text[], ${sql.val(names)}::text[]) AS e (schema, name)
      JOIN pg_namespace n ON n.nspname = e.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = e.name
    )
    SELECT json_build_object('role', current_user, 'database', current_database(),
        'createInDatabase', has_database_privilege(current_database(), 'CREATE'),
        'public', ${SCHEMA('public')}, 'simulator', ${SCHEMA('simulator')},
        'owners', (SELECT coalesce(json_agg(json_build_object('name', r.rolname,
            'inherits', pg_has_role(r.oid, 'USAGE'), 'member', pg_has_role(r.oid, 'MEMBER'))), '[]')
          FROM pg_roles r WHERE r.oid IN (SELECT relowner FROM ours) OR r.oid IN (
            SELECT nspowner FROM pg_namespace WHERE nspname IN ('public', 'simulator')))) AS access,
      (SELECT coalesce(json_agg(json_build_object('schema', c.nspname, 'name', c.relname, 'owner', pg_get_userbyid(c.relowner),
          'kind', c.relkind, 'persistence', c.relpersistence, 'replicaIdentity', c.relreplident,
          'rowSecurity', row_security_active(c.oid), 'owned', pg_has_role(c.relowner, 'USAGE'),
          'granted', ${GRANTED('has_table_privilege', ['SELECT', 'INSERT', 'UPDATE', 'DELETE'])}, 'columns', ${COLUMNS},
          'primaryKey', coalesce((SELECT ${KEY_COLUMNS} FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary), '[]'),
          'unique', coalesce((SELECT json_agg(a.attname) FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 AND i.indpred IS NULL), '[]'),
          'triggers', coalesce((SELECT json_agg(json_build_object('name', t.tgname, 'enabled', t.tgenabled))
            FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace f ON f.oid = p.pronamespace
            WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND f.nspname = 'simulator' AND p.proname = 'note_change'), '[]'),
          'rules', coalesce((SELECT json_agg(r.rulename) FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN'), '[]'),
          'published', EXISTS (SELECT FROM pg_publication b WHERE (b.pubupdate OR b.pubdelete) AND (b.puballtables OR EXISTS (
            SELECT FROM pg_publication_rel l WHERE l.prpubid = b.oid AND l.prrelid = c.oid))))), '[]') FROM ours c) AS tables,
      (SELECT coalesce(json_agg(json_build_object('schema', 'public', 'name', c.relname, 'owner', pg_get_userbyid(c.relowner),
          'granted', ${GRANTED('has_sequence_privilege', ['USAGE', 'SELECT', 'UPDATE'])})), '[]')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind = 'S' AND c.relname = ANY (${sql.val(expectedSequences.map(({ name }) => name))}::text[])) AS sequences`.execute(
    db,
  );
  const row = result.rows[0];
  if (row === undefined) throw new Error('the catalog said nothing');
  return { access: { ...row.access, tables: row.tables, sequences: row.sequences }, tables: row.tables };
}

/** Where the sequences stand; reads the tables, which must therefore be there. */
export async function readSequences(db: Db): Promise<readonly FoundSequence[]> {
  // a snapshot is older than what a sequence says: rows written meanwhile are never ahead of it
  const readings = expectedSequences.map(
    ({
      table,
      name,
    }) => sql`SELECT ${table} AS "table", ${name} AS name, to_regclass(${`public.${name}`}) IS NOT NULL AS exists,
      (SELECT last_value FROM pg_sequences WHERE schemaname = 'public' AND sequencename = ${name}) AS last,
      (SELECT max(id) FROM public.${sql.id(table)}) AS "highestId"`,
  );
  const result = await sql<FoundSequence>`${sql.join(readings, sql` UNION ALL `)}`.execute(db);
  return result.rows;
}
