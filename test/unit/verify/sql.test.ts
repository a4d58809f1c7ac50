import { describe, expect, it } from 'vitest';
import { databricksDialect, postgresDialect, type TableShape } from '../../../src/verify/dialect.ts';
import { SqlBuilder, sqlSide } from '../../../src/verify/sql-side.ts';
import { authentication, warehouseAddress } from '../../../src/verify/targets/databricks.ts';
import { openTarget } from '../../../src/verify/targets/open.ts';

const shape: TableShape = {
  name: 'pedidos',
  columns: [
    { name: 'id', type: { kind: 'integer' } },
    { name: 'total', type: { kind: 'numeric', scale: 2 } },
    { name: 'data_pedido', type: { kind: 'timestamp' } },
    { name: 'data_prevista', type: { kind: 'date' } },
    { name: 'endereco_entrega', type: { kind: 'text' } },
  ],
};

describe('the SQL of the checksum', () => {
  it('is Databricks SQL for Databricks', () => {
    const builder = new SqlBuilder(databricksDialect, ['lakehouse', 'raw']);
    expect(builder.sums(shape, { from: 10, to: 20 }, 5, true)).toBe(
      'SELECT bucket, count(*) AS n, CAST(sum(CAST(conv(substr(h, 1, 15), 16, 10) AS DECIMAL(38, 0))) AS STRING) AS s FROM ' +
        '(SELECT (`id` - 10) DIV 5 AS bucket, md5(concat_ws(chr(31), coalesce(CAST(`id` AS STRING), chr(1)), ' +
        'coalesce(CASE WHEN CAST(`total` AS DECIMAL(38, 10)) = CAST(`total` AS DECIMAL(38, 2)) THEN ' +
        'CAST(CAST(`total` AS DECIMAL(38, 2)) AS STRING) ELSE CAST(CAST(`total` AS DECIMAL(38, 10)) AS STRING) END, chr(1)), ' +
        "coalesce(date_format(`data_pedido`, 'yyyy-MM-dd HH:mm:ss.SSSSSS'), chr(1)), " +
        "coalesce(date_format(`data_prevista`, 'yyyy-MM-dd'), chr(1)), " +
        'coalesce(CAST(`endereco_entrega` AS STRING), chr(1)))) AS h FROM `lakehouse`.`raw`.`pedidos` ' +
        'WHERE `id` >= 10 AND `id` < 20 AND (`__hevo__marked_deleted` IS NULL OR `__hevo__marked_deleted` = false)) hashed GROUP BY bucket',
    );
    expect(builder.columns(['pedidos', 'status'])).toBe(
      'SELECT table_name AS table_name, column_name AS column_name FROM `lakehouse`.information_schema.columns WHERE ' +
        "table_catalog = 'lakehouse' AND table_schema = 'raw' AND table_name IN ('pedidos', 'status')",
    );
    expect(builder.row('pedidos', 7)).toBe('SELECT * FROM `lakehouse`.`raw`.`pedidos` WHERE `id` = 7;');
  });

  it('is PostgreSQL for PostgreSQL', () => {
    const builder = new SqlBuilder(postgresDialect, ['public']);
    const text = builder.rowText(shape);
    expect(text).toContain(`to_char("data_pedido" AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`);
    expect(builder.sums(shape, { from: 0, to: 9 }, 3, false)).toContain(
      "sum(('x' || substr(h, 1, 15))::bit(60)::bigint)::text",
    );
  });

  it('takes whole numbers only into its text, and quotes every name', () => {
    const builder = new SqlBuilder(postgresDialect, ['a"b']);
    expect(builder.relation('t')).toBe('"a""b"."t"');
    expect(() => builder.row('t', 1.5)).toThrow(RangeError);
    expect(() => builder.row('t', Number.NaN)).toThrow(RangeError);
    expect(builder.columns(["x' OR true --"])).toContain("'x'' OR true --'");
  });

  it('honours soft deletes only in the tables that have them, and only when asked', async () => {
    const asked: string[] = [];
    const side = (softDeletes: boolean) =>
      sqlSide({
        label: 'x',
        dialect: postgresDialect,
        schema: ['raw'],
        keysPerQuery: 10,
        softDeletes,
        run: async (sql) => {
          asked.push(sql);
          return sql.includes('information_schema')
            ? [
                { table_name: 'PEDIDOS', column_name: 'id' },
                { table_name: 'PEDIDOS', column_name: '__HEVO__MARKED_DELETED' },
              ]
            : [];
        },
      });
    const hevo = side(true);
    await hevo.columns(['pedidos', 'status']);
    await hevo.extent(shape);
    await hevo.extent({ name: 'status', columns: shape.columns });
    expect(asked.filter((sql) => sql.includes('marked_deleted'))).toHaveLength(1);
    expect(hevo.unusedSoftDeletes).toBe(false);
    const plain = side(false);
    await plain.columns(['pedidos']);
    expect(plain.unusedSoftDeletes).toBe(true);
  });
});

describe('the Databricks target', () => {
  it('reads its address', () => {
    expect(
      warehouseAddress('databricks://h.cloud.databricks.com/sql/1.0/warehouses/ab?catalog=c&schema=s'),
    ).toEqual({
      host: 'h.cloud.databricks.com',
      path: '/sql/1.0/warehouses/ab',
      catalog: 'c',
      schema: 's',
    });
    expect(warehouseAddress('databricks://h/p?catalog=c&schema=s', 'other').schema).toBe('other');
    expect(() => warehouseAddress('databricks://h/p?schema=s')).toThrow('lacks its catalog');
    expect(() => warehouseAddress('databricks://h/p?catalog=s')).toThrow('lacks its schema');
    expect(() => warehouseAddress('databricks://h?catalog=c&schema=s')).toThrow('HTTP path');
  });

  it('signs in by token, or as a service principal, and says what is missing', () => {
    const nobody = { token: undefined, clientId: undefined, clientSecret: undefined };
    expect(authentication({ ...nobody, token: 't' })).toEqual({ token: 't' });
    expect(authentication({ ...nobody, clientId: 'i', clientSecret: 's' })).toEqual({
      authType: 'databricks-oauth',
      oauthClientId: 'i',
      oauthClientSecret: 's',
    });
    expect(() => authentication({ ...nobody, clientId: 'i' })).toThrow('nothing says who signs in');
  });
});

describe('the kinds of targets', () => {
  const open = (target: string) =>
    openTarget({
      target,
      schema: undefined,
      hevo: false,
      databricks: { token: undefined, clientId: undefined, clientSecret: undefined },
    });

  it('refuses what it does not know as wrong usage, without repeating a password', async () => {
    for (const target of ['mysql://root:hush@h/d', 'nonsense', '']) {
      const error = await open(target).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ exitCode: 2 });
      expect(String(error)).not.toContain('hush');
    }
    await expect(open('postgres://nowhere')).rejects.toMatchObject({ exitCode: 2 });
  });

  it('a PostgreSQL that is not there is exit code 1, with a fix', async () => {
    const error = await open('postgres://u:hush@127.0.0.1:1/d').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ exitCode: 1 });
    expect(error).toHaveProperty('fix', expect.stringContaining('--target'));
    expect(String(error)).not.toContain('hush');
  });
});
