/** The 27 federative units of Brazil. */
export const states = [
  'AC',
  'AL',
  'AM',
  'AP',
  'BA',
  'CE',
  'DF',
  'ES',
  'GO',
  'MA',
  'MG',
  'MS',
  'MT',
  'PA',
  'PB',
  'PE',
  'PI',
  'PR',
  'RJ',
  'RN',
  'RO',
  'RR',
  'RS',
  'SC',
  'SE',
  'SP',
  'TO',
] as const;
export type State = (typeof states)[number];

/** A row of `clientes`, as generated; ids are allocated before, so that CPF and e-mail can be unique by construction. */
export interface CustomerRow {
  readonly id: number;
  readonly nome: string;
  readonly sobrenome: string;
  readonly id_genero: number;
  readonly id_estadocivil: number;
  readonly email: string;
  readonly cpf: string;
  readonly telefone: string;
  readonly endereco: string;
  readonly bairro: string;
  readonly cidade: string;
  readonly estado: State;
  readonly cep: string;
  /** YYYY-MM-DD */
  readonly data_cadastro: string;
  readonly id_emailmarketing: number;
}

/** The columns of {@link CustomerRow}, as SQL lists them. */
export const customerColumns = [
  'id',
  'nome',
  'sobrenome',
  'id_genero',
  'id_estadocivil',
  'email',
  'cpf',
  'telefone',
  'endereco',
  'bairro',
  'cidade',
  'estado',
  'cep',
  'data_cadastro',
  'id_emailmarketing',
] as const satisfies readonly (keyof CustomerRow)[];

/** A row of `produtos`, as generated. Money in cents. */
export interface ProductRow {
  readonly sku: string;
  readonly nome: string;
  readonly descricao: string;
  readonly precoCents: number;
  readonly precoCustoCents: number;
  readonly tamanho: number;
  readonly estoque: number;
  readonly id_categoria: number;
  readonly id_marca: number;
  readonly modelo: string;
  readonly id_genero: number;
  readonly cor: string;
}

/** What the order model knows of a product on the shelf. */
export interface ShelfProduct {
  readonly id: number;
  readonly sku: string;
  readonly priceCents: number;
  readonly stock: number;
  readonly size: number;
  readonly brandId: number;
  readonly categoryId: number;
  readonly genderId: number;
  readonly model: string;
  readonly createdAtMs: number;
}

/** What the order model knows of a customer who comes back. */
export interface KnownCustomer {
  readonly id: number;
  readonly state: State;
  readonly genderId: number;
  /** One line, as `pedidos.endereco_entrega` takes it. */
  readonly deliveryAddress: string;
  /** Orders before this one. */
  readonly purchases: number;
}
