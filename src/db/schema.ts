import type { ColumnType, Generated } from 'kysely';

/** numeric(12,2) as PostgreSQL prints it: money never passes through a float. */
export type Numeric = ColumnType<string, string | number, string | number>;
/** timestamptz. */
export type Timestamp = ColumnType<Date, Date | string, Date | string>;
/** date, as YYYY-MM-DD: a calendar day has no time zone. */
export type DateOnly = ColumnType<string, string, string>;
/** bigint: ids stay far below 2^53. */
type Id = ColumnType<number, number | undefined, number>;

interface Stamps {
  criado_em: ColumnType<Date, Date | string | undefined, Date | string>;
  atualizado_em: ColumnType<Date, Date | string | undefined, Date | string>;
}

export interface Lookup extends Stamps {
  id: number;
  nome: string;
}

export interface Clientes extends Stamps {
  id: Id;
  nome: string;
  sobrenome: string;
  id_genero: number;
  id_estadocivil: number;
  email: string;
  cpf: string;
  telefone: string;
  endereco: string;
  bairro: string;
  cidade: string;
  estado: string;
  cep: string;
  data_cadastro: DateOnly;
  id_emailmarketing: number;
}

export interface Produtos extends Stamps {
  id: Id;
  sku: string;
  nome: string;
  descricao: string;
  preco: Numeric;
  preco_custo: Numeric;
  margem: Numeric;
  tamanho: number;
  estoque: number;
  id_categoria: number;
  id_marca: number;
  modelo: string;
  id_genero: number;
  cor: string;
}

export interface Pedidos extends Stamps {
  id: Id;
  id_cliente: number;
  data_pedido: Timestamp;
  id_canalvenda: number;
  id_forma_pagamento: number;
  parcelas: number;
  id_status: number;
  subtotal: Numeric;
  frete: Numeric;
  valor_desconto: Numeric;
  total: Numeric;
  endereco_entrega: string;
  data_prevista: DateOnly;
  data_aprovacao: Timestamp | null;
  data_envio: Timestamp | null;
  data_entrega: Timestamp | null;
  id_entregue: number;
}

export interface ItensPedido extends Stamps {
  id: Id;
  id_pedido: number;
  id_produto: number;
  quantidade: number;
  preco_unitario: Numeric;
  subtotal: Numeric;
}

export interface CdcHeartbeat extends Stamps {
  id: number;
  token: string;
  emitido_em: Timestamp;
}

export interface Database {
  status: Lookup;
  formapagamento: Lookup;
  canalvenda: Lookup;
  categorias: Lookup;
  marcas: Lookup;
  generocliente: Lookup;
  generoproduto: Lookup;
  estadocivil: Lookup;
  emailmarketing: Lookup;
  entregue: Lookup;
  clientes: Clientes;
  produtos: Produtos;
  pedidos: Pedidos;
  itenspedido: ItensPedido;
  cdc_heartbeat: CdcHeartbeat;
  'simulator.settings': { key: string; value: unknown; updated_at: Generated<Date> };
  'simulator.workers': {
    id: string;
    name: string;
    started_at: Generated<Date>;
    seen_at: Generated<Date>;
    stats: unknown;
  };
  'simulator.jobs': { name: string; last_run_at: Timestamp };
  'simulator.order_schedule': { order_id: number; due_at: Timestamp; next_events: number[]; next_at: Date[] };
  'simulator.returning_customers': { customer_id: number; due_at: Timestamp; purchases: number };
  'simulator.stock_book': {
    product_id: number;
    initial: number;
    restocked: Generated<number>;
    retired: Generated<number>;
    /** Set: this product is not restocked any more. */
    discontinued_at: Date | null;
  };
  'simulator.ledger': {
    table_name: string;
    op: 'I' | 'U' | 'D';
    row_count: number;
    noted_at: Generated<Date>;
  };
  'simulator.ledger_totals': { table_name: string; op: 'I' | 'U' | 'D'; row_count: number };
  'simulator.tombstones': { table_name: string; key: number; deleted_at: Generated<Date> };
}

/** The published tables, parents before children: the order in which rows may be inserted. */
export const publishedTables = [
  'status',
  'formapagamento',
  'canalvenda',
  'categorias',
  'marcas',
  'generocliente',
  'generoproduto',
  'estadocivil',
  'emailmarketing',
  'entregue',
  'clientes',
  'produtos',
  'pedidos',
  'itenspedido',
  'cdc_heartbeat',
] as const;
export type PublishedTable = (typeof publishedTables)[number];

/** The private schema's tables, and the migrator's two. */
export const privateTables = [
  'settings',
  'workers',
  'jobs',
  'order_schedule',
  'returning_customers',
  'stock_book',
  'ledger',
  'ledger_totals',
  'tombstones',
  'migration',
  'migration_lock',
] as const;
