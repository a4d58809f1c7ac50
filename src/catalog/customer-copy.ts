import { copyLine } from '../db/copy.ts';
import { type CustomerRow, customerColumns } from './types.ts';

/** A customer as a line of COPY, in the order of {@link customerColumns}. */
export function customerLine(row: CustomerRow): string {
  return copyLine(customerColumns.map((column) => row[column]));
}
