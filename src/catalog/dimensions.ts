export interface LookupTable {
  readonly table:
    | 'status'
    | 'formapagamento'
    | 'canalvenda'
    | 'categorias'
    | 'marcas'
    | 'generocliente'
    | 'generoproduto'
    | 'estadocivil'
    | 'emailmarketing'
    | 'entregue';
  readonly rows: readonly { readonly id: number; readonly nome: string }[];
}

function lookup(table: LookupTable['table'], ...names: readonly string[]): LookupTable {
  return { table, rows: names.map((nome, index) => ({ id: index + 1, nome })) };
}

/** The ten lookup tables: ids and names are contracts of what reads them downstream. */
export const lookupRows: readonly LookupTable[] = [
  lookup('status', 'Pendente', 'Processando', 'Enviado', 'Entregue', 'Cancelado', 'Devolvido'),
  lookup('formapagamento', 'Cartão Crédito', 'Cartão Débito', 'PIX', 'Boleto Bancário'),
  lookup('canalvenda', 'Loja Física', 'E-commerce', 'Marketplace', 'Telefone', 'WhatsApp'),
  lookup('categorias', 'Casual', 'Esporte', 'Corrida', 'Basquete', 'Skate', 'Social'),
  lookup(
    'marcas',
    'Nike',
    'Adidas',
    'Puma',
    'Mizuno',
    'Asics',
    'Vans',
    'Converse',
    'New Balance',
    'Reebok',
    'Olympikus',
  ),
  lookup('generocliente', 'Masculino', 'Feminino', 'Outro'),
  lookup('generoproduto', 'Masculino', 'Feminino', 'Unissex'),
  lookup('estadocivil', 'Solteiro(a)', 'Casado(a)', 'Divorciado(a)', 'Viúvo(a)'),
  lookup('emailmarketing', 'Sim', 'Não'),
  lookup('entregue', 'Sim', 'Não'),
];

/** The name of an id in a lookup table. Throws when there is none. */
export function lookupName(table: LookupTable['table'], id: number): string {
  const nome = lookupRows.find((lookup) => lookup.table === table)?.rows.find((row) => row.id === id)?.nome;
  if (nome === undefined) throw new RangeError(`${table} has no row ${id}`);
  return nome;
}
