import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { messageOf, OperatorError } from '../lib/errors.ts';
import { once } from '../lib/service.ts';
import { CATALOG, schemasDdl } from './raw-schema.ts';

/** Beyond this DuckDB spills to `<file>.tmp`. */
const MEMORY_LIMIT = '1GB';

/** The lakehouse file, open. Only one process may have it open for writing. */
export interface Store {
  readonly file: string;
  /** A connection of its own, in UTC; transactions do not cross connections. */
  connect(): Promise<DuckDBConnection>;
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly readOnly?: boolean;
  readonly memoryLimit?: string;
}

/** Opens the file, makes it when it is not there (not when read-only). Throws an OperatorError with the fix. */
export async function openStore(path: string, options: StoreOptions = {}): Promise<Store> {
  const file = resolve(path);
  const readOnly = options.readOnly === true;
  if (readOnly && !existsSync(file)) {
    throw new OperatorError(`there is no lakehouse at ${file}`, {
      fix: 'npm run lakehouse makes one; or name another with --file',
    });
  }
  if (!readOnly) mkdirSync(dirname(file), { recursive: true });
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: options.memoryLimit ?? MEMORY_LIMIT,
    temp_directory: `${file}.tmp`,
    // what is asked runs in the order in which DuckDB likes best: memory stays small
    preserve_insertion_order: 'false',
    autoinstall_known_extensions: 'false',
  });
  const connections: DuckDBConnection[] = [];
  const connect = async () => {
    const connection = await instance.connect();
    connections.push(connection);
    // `gold.receita_dia` is found without the name of the catalog
    await connection.run(`SET TimeZone = 'UTC'; USE ${CATALOG}`);
    return connection;
  };
  try {
    const first = await instance.connect();
    connections.push(first);
    await first.run(`ATTACH '${file.replaceAll("'", "''")}' AS ${CATALOG}${readOnly ? ' (READ_ONLY)' : ''}`);
    if (!readOnly) await first.run(schemasDdl());
  } catch (error) {
    instance.closeSync();
    throw explainOpenError(error, file);
  }
  return {
    file,
    connect,
    close: once(async () => {
      for (const connection of connections) connection.closeSync();
      instance.closeSync();
    }),
  };
}

function explainOpenError(error: unknown, file: string): unknown {
  const text = messageOf(error);
  if (/could not set lock|conflicting lock|being used by another process/i.test(text)) {
    const pid = /PID (\d+)/.exec(text)?.[1];
    return new OperatorError(
      `${file} is open in another process${pid === undefined ? '' : ` (pid ${pid})`}`,
      {
        fix: 'stop that process (another lakehouse, a DuckDB shell), or name another file with --file',
        cause: error,
      },
    );
  }
  if (/not a valid duckdb database|serialization|trying to read a database file/i.test(text)) {
    return new OperatorError(`${file} is not a file that this DuckDB can read: ${text}`, {
      fix: 'npm run sim -- lakehouse reset deletes it, or name another file with --file',
      cause: error,
    });
  }
  return error;
}
