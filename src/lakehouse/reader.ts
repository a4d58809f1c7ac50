import { resolve } from 'node:path';
import { messageOf, OperatorError, UsageError } from '../lib/errors.ts';
import { once } from '../lib/service.ts';
import { type Endpoint, readEndpoint } from './endpoint.ts';
import { type Answer, answer } from './query.ts';
import { openStore } from './store.ts';

const ANSWER_TIMEOUT_MS = 600_000;
const STATUS_TIMEOUT_MS = 10_000;

/** Reads a lakehouse, whether or not a process has it open. */
export interface LakehouseReader {
  /** True: through the process that runs; false: from the file, which nobody has open. */
  readonly isLive: boolean;
  query(sql: string): Promise<Answer>;
  close(): Promise<void>;
}

/** Opens the lakehouse for reading. Throws an OperatorError when there is none. */
export async function openReader(path: string): Promise<LakehouseReader> {
  const file = resolve(path);
  const endpoint = readEndpoint(file);
  if (endpoint !== null && (await readLiveStatus(file)) !== null) {
    return { isLive: true, query: (sql) => ask(endpoint, sql), close: async () => undefined };
  }
  const store = await openStore(file, { readOnly: true });
  const connection = await store.connect();
  return { isLive: false, query: (sql) => answer(connection, sql), close: once(() => store.close()) };
}

/** What the running process says of itself; null when none runs. */
export async function readLiveStatus(path: string): Promise<unknown> {
  const endpoint = readEndpoint(resolve(path));
  if (endpoint === null) return null;
  try {
    const response = await fetch(`http://127.0.0.1:${endpoint.port}/status`, {
      headers: { authorization: `Bearer ${endpoint.token}` },
      signal: AbortSignal.timeout(STATUS_TIMEOUT_MS),
    });
    // another program may have got the port of one that was killed
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

async function ask(endpoint: Endpoint, sql: string): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(`http://127.0.0.1:${endpoint.port}/query`, {
      method: 'POST',
      headers: { authorization: `Bearer ${endpoint.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sql }),
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
  } catch (error) {
    throw new OperatorError(`the lakehouse (pid ${endpoint.pid}) does not answer: ${messageOf(error)}`, {
      fix: 'ask again; if it has stopped, the file is read directly',
      cause: error,
    });
  }
  if (response.ok) return (await response.json()) as Answer;
  const problem = (await response.json().catch(() => ({}))) as { message?: string; fix?: string };
  throw new UsageError(problem.message ?? `status ${response.status}`, problem.fix ?? 'correct the query');
}
