import type { FastifyInstance, FastifyReply } from 'fastify';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Access } from './access.ts';
import { type Asset, loadAssets } from './assets.ts';
import { SECURITY_HEADERS } from './headers.ts';
import type { Hub } from './hub.ts';
import type { Metrics } from './metrics.ts';
import { openApiDocument } from './openapi.ts';
import { sendProblem } from './problem.ts';
import { settingsChangeSchema } from './schemas.ts';
import type { SettingsChange, StatusSource } from './source.ts';

export interface RouteContext {
  readonly source: StatusSource;
  readonly hub: Hub;
  readonly metrics: Metrics;
  readonly access: Access;
  readonly logger: Logger;
  readonly version: string;
  readonly lakehouse: () => Promise<unknown>;
}

const STARTED_MS = performance.now();
/** A question to the database that takes longer is answered with 503. */
const ANSWER_WITHIN_MS = 8_000;
/** The doctor measures for some seconds, and sends a change through the whole pipe. */
const DOCTOR_WITHIN_MS = 60_000;

export function addRoutes(app: FastifyInstance, context: RouteContext): void {
  addPage(app);
  addProbes(app, context);
  addReading(app, context);
  addControl(app, context);
  addStream(app, context);
}

function addPage(app: FastifyInstance): void {
  for (const [path, asset] of loadAssets()) {
    app.get(path, (request, reply) => sendAsset(reply, asset, request.headers['if-none-match']));
  }
}

function sendAsset(reply: FastifyReply, asset: Asset, known: string | undefined): FastifyReply {
  reply.header('etag', asset.etag).header('cache-control', 'no-cache');
  if (known === asset.etag) return reply.code(304).send();
  return reply.type(asset.type).send(asset.body);
}

function addProbes(app: FastifyInstance, { source, hub, metrics, logger }: RouteContext): void {
  app.get('/healthz', () => ({
    status: 'ok',
    uptimeSeconds: Math.round((performance.now() - STARTED_MS) / 1000),
  }));
  app.get('/readyz', async (_request, reply) => {
    const readiness = await within(Promise.resolve(source.readiness())).catch((error: unknown) => {
      logger.debug({ reason: messageOf(error) }, 'readiness is not known');
      return { ready: false, checks: [{ name: 'database', ok: false, detail: 'gives no answer' }] };
    });
    return reply.code(readiness.ready ? 200 : 503).send(readiness);
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.text(hub.snapshot)),
  );
}

function addReading(app: FastifyInstance, context: RouteContext): void {
  const { source, hub, access } = context;
  const document = openApiDocument(context.version);
  app.get('/api/openapi.json', () => document);
  app.get('/api/status', () => ({
    status: hub.snapshot,
    series: hub.series,
    events: hub.recent,
    viewers: hub.viewers,
    ageMs: hub.ageMs,
  }));
  app.get('/api/settings', (_request, reply) => answer(reply, context, () => source.settings()));
  app.get('/api/lakehouse', async (_request, reply) => {
    const published = await context.lakehouse();
    if (published !== null) return reply.send(published);
    return sendProblem(reply, 404, 'no lakehouse has run here yet', 'npm run lakehouse starts one');
  });
  app.get<{ Params: { id: string } }>('/api/orders/:id', async (request, reply) => {
    if (!access.admitsLookup(reply)) return reply;
    const { id } = request.params;
    if (!/^[1-9]\d{0,14}$/.test(id)) return sendProblem(reply, 400, 'the id of an order is a whole number');
    return answer(reply, context, async () => {
      const story = await source.order(Number(id));
      return story ?? sendProblem(reply, 404, `there is no order ${id} (any more)`);
    });
  });
}

function addControl(app: FastifyInstance, context: RouteContext): void {
  const { source, hub, access, logger } = context;
  const preValidation = async (request: Parameters<Access['admitsControl']>[0], reply: FastifyReply) =>
    access.admitsControl(request, reply) ? undefined : reply;
  app.patch<{ Body: SettingsChange }>(
    '/api/settings',
    { schema: { body: settingsChangeSchema }, onRequest: preValidation },
    (request, reply) =>
      answer(reply, context, async () => {
        const settings = await source.changeSettings(request.body);
        logger.info({ change: request.body }, 'settings changed from the status page');
        void hub.refresh();
        return settings;
      }),
  );
  app.post('/api/doctor', { onRequest: preValidation }, (_request, reply) =>
    answer(reply, context, () => source.runDoctor(), DOCTOR_WITHIN_MS),
  );
}

function addStream(app: FastifyInstance, { hub }: RouteContext): void {
  app.get('/api/events', { exposeHeadRoute: false }, (_request, reply) => {
    reply.raw.writeHead(200, {
      ...SECURITY_HEADERS,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      connection: 'close',
    });
    reply.hijack();
    hub.join(reply.raw);
  });
}

/** Answers with what `work` gives; a database that is away is a 503, and the driver's words stay in the log. */
async function answer(
  reply: FastifyReply,
  { logger }: RouteContext,
  work: () => unknown,
  withinMs = ANSWER_WITHIN_MS,
): Promise<FastifyReply> {
  try {
    const value = await within(Promise.resolve(work()), withinMs);
    return value === reply ? reply : reply.send(value);
  } catch (error) {
    logger.warn({ reason: messageOf(error) }, 'the status page could not be answered');
    reply.header('retry-after', 5);
    return sendProblem(
      reply,
      503,
      'the database gives no answer now',
      'try again in some seconds; the log says why (LOG_LEVEL=debug shows more)',
    );
  }
}

async function within<T>(work: Promise<T>, withinMs = ANSWER_WITHIN_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${withinMs} ms`)), withinMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
