import type { Duplex } from 'node:stream';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import type { Config } from '../config/config.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { once, type Service } from '../lib/service.ts';
import { createAccess } from './access.ts';
import { isLoopback } from './guards.ts';
import { SECURITY_HEADERS } from './headers.ts';
import { Hub, MAX_VIEWERS } from './hub.ts';
import { listen } from './listen.ts';
import { Metrics } from './metrics.ts';
import { PROBLEM_TYPE, problem, sendProblem } from './problem.ts';
import { addRoutes } from './routes.ts';
import type { StatusSource } from './source.ts';

export interface HttpServerOptions {
  readonly config: Config['http'];
  readonly logger: Logger;
  readonly source: StatusSource;
  readonly version: string;
  /** What the local lakehouse has published; null when none has run. */
  readonly lakehouse?: () => Promise<unknown>;
  /** Where traffic notes what it does; made here when nobody needs it. */
  readonly metrics?: Metrics;
  /** The token where one is needed and the operator set none; default: made here, and gone with this process. */
  readonly madeToken?: string;
  /** How long a request may take to arrive, in milliseconds; default 10 s. */
  readonly requestTimeoutMs?: number;
  /** Between two frames of the stream, in milliseconds; default 1 s. */
  readonly frameMs?: number;
}

export interface HttpServer extends Service {
  readonly metrics: Metrics;
  /** The page's address, without the token. Empty before the start. */
  readonly url: string;
  /** The link for a person: carries the token when it was made here. */
  readonly link: string;
}

const BODY_LIMIT_BYTES = 1024;
const HEADER_LIMIT_BYTES = 8192;
const MAX_CONNECTIONS = MAX_VIEWERS + 100;

/** The status page, the metrics and the control, as a service. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { config, logger, source } = options;
  const metrics = options.metrics ?? new Metrics();
  const hub = new Hub(source, metrics, logger, options.frameMs);
  const access = createAccess(config.host, config.controlToken, options.madeToken);
  const app = createApp(logger, options.requestTimeoutMs ?? 10_000);
  let url = '';
  const link = () =>
    access.token !== null && access.tokenWasMade ? `${url}?token=${encodeURIComponent(access.token)}` : url;

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS);
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store');
    return access.admits(request, reply) ? undefined : reply;
  });
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.url !== '/api/events' || hub.viewers < MAX_VIEWERS) return undefined;
    return sendProblem(reply, 503, 'too many viewers', 'close a page that nobody looks at');
  });
  const lakehouse = options.lakehouse ?? (async () => null);
  addRoutes(app, { source, hub, metrics, access, logger, lakehouse, version: options.version });

  const start = once(async () => {
    await app.ready();
    const port = await listen(app.server, config, logger);
    url = `http://${shownHost(config.host)}:${port}/`;
    await hub.start();
    const needsToken = access.token !== null && !access.tokenWasMade;
    logger.info({ url }, `status page: ${link()}${needsToken ? ' (changes need CONTROL_TOKEN)' : ''}`);
  });
  const stop = once(async () => {
    hub.stop();
    const closed = new Promise<void>((resolve) => app.server.close(() => resolve()));
    // an answer in flight may finish, and its connection is idle then
    const sweep = setInterval(() => app.server.closeIdleConnections(), 20);
    // whoever has not read its answer by then will not
    const force = setTimeout(() => app.server.closeAllConnections(), 500);
    await closed;
    clearTimeout(force);
    clearInterval(sweep);
    await app.close();
  });
  return {
    name: 'status page',
    metrics,
    start,
    stop,
    get url() {
      return url;
    },
    get link() {
      return url === '' ? '' : link();
    },
  };
}

function createApp(logger: Logger, requestTimeoutMs: number): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: 5_000,
    routerOptions: { maxParamLength: 20 },
    http: {
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, requestTimeoutMs / 2),
      maxHeaderSize: HEADER_LIMIT_BYTES,
    },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: false } },
    clientErrorHandler: refuseMalformed,
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  // a connection on which nothing moves, in either direction, is given up; streams move every second
  app.server.timeout = 30_000;
  app.removeContentTypeParser('text/plain');
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, 404, 'there is nothing at this address'));
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) return sendProblem(reply, status, clientMessage(error));
    logger.error(
      { reason: messageOf(error), route: request.routeOptions.url },
      'the status page failed to answer',
    );
    return sendProblem(reply, 500, 'something went wrong here', 'the log says what');
  });
  return app;
}

function clientMessage(error: FastifyError): string {
  if (error.code === 'FST_ERR_VALIDATION') {
    return `${error.message}; expected { "rate": number from 0 to 1000000 or null, "paused": true or false }`;
  }
  return messageOf(error);
}

/** Bytes that are no request: a short answer, and the connection is closed. */
function refuseMalformed(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const status = tooLarge ? 431 : late ? 408 : 400;
  const detail = tooLarge
    ? 'the headers are too large'
    : late
      ? 'the request took too long to arrive'
      : 'this is not a request that can be read';
  const body = JSON.stringify(problem(status, detail));
  socket.end(
    `HTTP/1.1 ${status} ${problem(status, detail).title}\r\ncontent-type: ${PROBLEM_TYPE}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** An address that a person can open: "all addresses" is none. */
function shownHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  if (isLoopback(host) && !host.includes(':')) return host;
  return host.includes(':') ? `[${host}]` : host;
}
