import { readFileSync } from 'node:fs';

/** Where the lakehouse lies when nobody says otherwise. */
export const DEFAULT_FILE = '.data/lakehouse/lakehouse.duckdb';

/** Where the process that has the lakehouse open answers questions. Lies beside the file, readable by its owner alone. */
export interface Endpoint {
  readonly pid: number;
  readonly port: number;
  readonly token: string;
}

export function endpointFile(lakehouseFile: string): string {
  return `${lakehouseFile}.endpoint.json`;
}

export function readEndpoint(lakehouseFile: string): Endpoint | null {
  try {
    const { pid, port, token } = JSON.parse(readFileSync(endpointFile(lakehouseFile), 'utf8')) as Endpoint;
    return typeof pid === 'number' && typeof port === 'number' && typeof token === 'string'
      ? { pid, port, token }
      : null;
  } catch {
    return null;
  }
}
