import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, OperatorError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** A port that was set is an error when taken; the default moves to the next free one. */
  readonly portWasSet: boolean;
}

/** Ports tried after the default one. */
const PORTS_TRIED = 50;

/** Listens and returns the port. Throws an {@link OperatorError} that says what to set. */
export async function listen(server: Server, options: ListenOptions, logger: Logger): Promise<number> {
  const { host, port, portWasSet } = options;
  const last = portWasSet || port === 0 ? port : Math.min(65_535, port + PORTS_TRIED);
  for (let candidate = port; candidate <= last; candidate++) {
    const failure = await tryListen(server, host, candidate);
    if (failure === undefined) {
      const bound = (server.address() as AddressInfo).port;
      if (candidate !== port) {
        logger.info({ port: bound, wanted: port }, `port ${port} is taken: the status page is on ${bound}`);
      }
      return bound;
    }
    if (failure.code !== 'EADDRINUSE') throw explain(failure, host, candidate);
  }
  throw new OperatorError(
    portWasSet
      ? `HTTP_PORT=${port}: that port is taken on ${host}`
      : `no free port from ${port} to ${last} on ${host}`,
    {
      fix: 'set HTTP_PORT to a free port, leave it out (the next free one is taken), or set it to 0 for no status page',
    },
  );
}

async function tryListen(
  server: Server,
  host: string,
  port: number,
): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException) => {
      server.off('listening', listening);
      resolve(error);
    };
    const listening = () => {
      server.off('error', failed);
      resolve(undefined);
    };
    server.once('error', failed);
    server.once('listening', listening);
    server.listen({ host, port });
  });
}

function explain(failure: NodeJS.ErrnoException, host: string, port: number): OperatorError {
  const what = `cannot open the status page on ${host}:${port}: ${messageOf(failure)}`;
  if (failure.code === 'EACCES') {
    return new OperatorError(what, { fix: 'ports below 1024 need rights: set HTTP_PORT to 1024 or more' });
  }
  return new OperatorError(what, {
    fix: 'set HTTP_HOST to an address of this machine (127.0.0.1, or 0.0.0.0 for all), or HTTP_PORT=0 for no status page',
  });
}
