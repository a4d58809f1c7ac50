import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSetting } from '../../src/db/settings.ts';
import { readQuickFacts } from '../../src/db/status-queries.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { countStates } from '../../src/orders/count-states.ts';
import { readStory } from '../../src/orders/story.ts';
import { MovedMeter } from '../../src/traffic/moved-meter.ts';
import { StatusFacts } from '../../src/traffic/status-facts.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ template: 'migrated' });
  await fill(database);
});
afterAll(() => database.drop());

const LOOKUPS: Readonly<Record<string, readonly string[]>> = {
  status: ['Pendente', 'Processando', 'Enviado', 'Entregue', 'Cancelado', 'Devolvido'],
  canalvenda: ['Loja Física', 'E-commerce'],
  formapagamento: ['Cartão Crédito', 'Cartão Débito', 'PIX'],
  generocliente: ['Masculino'],
  generoproduto: ['Masculino', 'Feminino', 'Unissex'],
  estadocivil: ['Solteiro(a)'],
  emailmarketing: ['Sim'],
  entregue: ['Sim', 'Não'],
  categorias: ['Casual'],
  marcas: ['Nike', 'Adidas', 'Puma', 'Mizuno'],
};

/** Two orders: one on its way, one cancelled. */
async function fill({ connections: { db } }: TestDatabase): Promise<void> {
  for (const [table, names] of Object.entries(LOOKUPS)) {
    await sql`INSERT INTO ${sql.table(table)} (id, nome)
      SELECT id, nome FROM unnest(${sql.val([...names])}::text[]) WITH ORDINALITY AS t (nome, id)
      ON CONFLICT DO NOTHING`.execute(db);
  }
  await sql`INSERT INTO clientes (id, nome, sobrenome, id_genero, id_estadocivil, email, cpf, telefone, endereco, bairro,
      cidade, estado, cep, data_cadastro, id_emailmarketing)
    VALUES (7, 'Mariana', 'Prado', 1, 1, 'mariana@example.com', '123.456.789-09', '(31) 99999-0000', 'Rua A, 1', 'Centro',
      'Belo Horizonte', 'MG', '30110-000', '2026-01-01', 1)`.execute(db);
  await sql`INSERT INTO produtos (id, sku, nome, descricao, preco, preco_custo, margem, tamanho, estoque, id_categoria,
      id_marca, modelo, id_genero, cor)
    VALUES (3, 'S-3', 'Mizuno Wave', 'x', 200, 100, 50, 40, 9, 1, 4, 'Wave', 3, 'Azul')`.execute(db);
  for (const [id, status, approved, shipped] of [
    [100, 3, '2026-02-01T11:00Z', '2026-02-02T10:00Z'],
    [101, 5, null, null],
  ] as const) {
    await sql`INSERT INTO pedidos (id, id_cliente, data_pedido, id_canalvenda, id_forma_pagamento, parcelas, id_status,
        subtotal, frete, valor_desconto, total, endereco_entrega, data_prevista, data_aprovacao, data_envio, id_entregue)
      VALUES (${id}, 7, '2026-02-01T10:00Z', 2, 3, 1, ${status}, 400, 20.5, 10, 410.5, 'Rua A, 1', '2026-02-10',
        ${approved}, ${shipped}, 2)`.execute(db);
    await sql`INSERT INTO itenspedido (id_pedido, id_produto, quantidade, preco_unitario, subtotal)
      VALUES (${id}, 3, 2, 200, 400)`.execute(db);
  }
  await sql`INSERT INTO simulator.order_schedule (order_id, due_at, next_events, next_at)
    VALUES (100, '2026-02-01T10:09Z', '{3,4}', '{2026-02-09T10:00Z,2026-02-20T10:00Z}')`.execute(db);
}

describe('the story of an order', () => {
  it('tells what happened and what is planned, and names nobody', async () => {
    const story = await readStory(database.connections.db, 100);
    expect(story).toMatchObject({
      id: 100,
      status: 'Enviado',
      customer: { id: 7, name: 'M•••• P••••', city: 'Belo Horizonte, MG' },
      channel: 'E-commerce',
      payment: 'PIX',
      total: '410.50',
      promisedOn: '2026-02-10',
      items: [{ productId: 3, name: 'Mizuno Wave', quantity: 2, unitPrice: '200.00', subtotal: '400.00' }],
    });
    expect(story?.timeline).toEqual([
      { event: 'placed', atMs: Date.parse('2026-02-01T10:00Z'), dueAtMs: null, planned: false },
      { event: 'approved', atMs: Date.parse('2026-02-01T11:00Z'), dueAtMs: null, planned: false },
      { event: 'shipped', atMs: Date.parse('2026-02-02T10:00Z'), dueAtMs: null, planned: false },
      {
        event: 'delivered',
        atMs: Date.parse('2026-02-09T10:00Z'),
        dueAtMs: Date.parse('2026-02-01T10:09Z'),
        planned: true,
      },
      { event: 'returned', atMs: Date.parse('2026-02-20T10:00Z'), dueAtMs: null, planned: true },
    ]);
    expect(JSON.stringify(story)).not.toMatch(/Mariana|Prado|example\.com|123\.456|99999|Rua A/);
  });

  it('of a cancelled one ends there, and of none is null', async () => {
    const story = await readStory(database.connections.db, 101);
    expect(story?.timeline.map((step) => step.event)).toEqual(['placed', 'cancelled']);
    expect(await readStory(database.connections.db, 102)).toBeNull();
  });
});

describe('what the page knows of the database', () => {
  it('counts every state', async () => {
    expect(await countStates(database.connections.db)).toEqual({
      Pendente: 0,
      Processando: 0,
      Enviado: 1,
      Entregue: 0,
      Cancelado: 1,
      Devolvido: 0,
    });
  });

  it('lists living workers only, with what they left', async () => {
    const { db } = database.connections;
    await sql`INSERT INTO simulator.workers (id, name, seen_at, stats) VALUES
      (gen_random_uuid(), 'alive', clock_timestamp(), '{"placedPerMinute": 12}'),
      (gen_random_uuid(), 'dead', clock_timestamp() - interval '1 hour', '{}')`.execute(db);
    await writeSetting(db, 'last_verify', { at: '2026-02-01T10:00:00Z', ok: true });
    const facts = await readQuickFacts(db, 15_000);
    expect(facts.workers.map(({ name, stats }) => ({ name, stats }))).toEqual([
      { name: 'alive', stats: { placedPerMinute: 12 } },
    ]);
    expect(facts.lastVerify).toEqual({ at: '2026-02-01T10:00:00Z', ok: true });
    expect(facts.shop).toBeNull();
  });

  it('sees the changes of all clients as they happen', async () => {
    const { db } = database.connections;
    const facts = new StatusFacts({
      db,
      logger: silentLogger(),
      moved: new MovedMeter(() => performance.now()),
      monotonicMs: () => performance.now(),
      nowMs: Date.now,
      leaseMs: 15_000,
      isUp: () => true,
    });
    await facts.start();
    try {
      const change = (table: string, op: string) =>
        facts.changes.find((fact) => fact.table === table && fact.op === op);
      await until(() => facts.states.counts !== null && facts.sizeBytes !== null);
      expect(facts.states.counts?.Enviado).toBe(1);
      await until(async () => {
        await sql`UPDATE produtos SET estoque = estoque + 1 WHERE id = 3`.execute(db);
        return (change('produtos', 'U')?.total ?? 0) >= 3;
      });
      expect(change('produtos', 'U')?.perSecond).toBeGreaterThan(0);
      expect(change('clientes', 'D')).toBeUndefined();
    } finally {
      await facts.stop();
    }
  });
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 50_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it never came true');
    await sleep(200);
  }
}
