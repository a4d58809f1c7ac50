import { copyLine } from '../db/copy.ts';
import type { CustomerRow } from './types.ts';

export const CUSTOMER_COLUMNS = [
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
] as const;

export function customerLine(row: CustomerRow): string {
  return copyLine(CUSTOMER_COLUMNS.map((column) => row[column]));
}
