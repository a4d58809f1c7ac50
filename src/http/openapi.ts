import { schemas } from './schemas.ts';

const JSON_TYPE = 'application/json';
const content = (name: string, type = JSON_TYPE) => ({
  content: { [type]: { schema: { $ref: `#/components/schemas/${name}` } } },
});
const answer = (description: string, name: string) => ({ description, ...content(name) });
const failure = (description: string) => ({ description, ...content('Problem', 'application/problem+json') });

const control = {
  security: [{}, { token: [] }],
  responses: {
    '400': failure('The body is not what is expected.'),
    '401': failure('A token is needed, and was not given or is wrong.'),
    '403': failure('The request comes from another site.'),
    '413': failure('The body is larger than 1 kB.'),
    '415': failure('The body is not JSON.'),
    '429': failure('Too many changes; `Retry-After` says when to come back.'),
    '503': failure('The database cannot be reached.'),
  },
};

/** The OpenAPI 3.1 document of this server. */
export function openApiDocument(version: string): Readonly<Record<string, unknown>> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'CDC traffic simulator',
      version,
      description: 'Watch the shop live, and set how much of it lives. Times are milliseconds, sizes bytes.',
    },
    paths: {
      '/healthz': {
        get: { summary: 'The process lives', responses: { '200': answer('It does.', 'Health') } },
      },
      '/readyz': {
        get: {
          summary: 'The database is reachable, migrated and seeded',
          responses: {
            '200': answer('Traffic can flow.', 'Readiness'),
            '503': answer('Not yet, or not now.', 'Readiness'),
          },
        },
      },
      '/metrics': {
        get: {
          summary: 'Metrics for Prometheus',
          responses: { '200': { description: 'Exposition text.', content: { 'text/plain': {} } } },
        },
      },
      '/api/status': {
        get: {
          summary: 'All that the status page shows',
          responses: { '200': answer('The last second.', 'Status') },
        },
      },
      '/api/events': {
        get: {
          summary: 'The same, as server-sent events: `hello` first, then a `frame` a second',
          responses: {
            '200': { description: 'A stream that does not end.', content: { 'text/event-stream': {} } },
            '503': failure('Too many viewers.'),
          },
        },
      },
      '/api/orders/{id}': {
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'integer', minimum: 1 } }],
        get: {
          summary: "An order's whole story",
          responses: {
            '200': answer('The order, its items, what happened and what is planned.', 'Order'),
            '400': failure('The id is not a number.'),
            '404': failure('No such order (any more).'),
            '429': failure('Too many look-ups.'),
            '503': failure('The database cannot be reached.'),
          },
        },
      },
      '/api/settings': {
        get: {
          summary: 'Rate and pause as they hold now',
          responses: { '200': answer('The settings.', 'Settings'), '503': failure('Not known now.') },
        },
        patch: {
          summary: 'Change rate or pause, for all workers, from the next tick on',
          requestBody: { required: true, ...content('SettingsChange') },
          ...control,
          responses: { '200': answer('What holds now.', 'Settings'), ...control.responses },
        },
      },
      '/api/doctor': {
        post: {
          summary: 'Look at the database as a CDC source, now',
          ...control,
          responses: { '200': answer('What was found.', 'DoctorReport'), ...control.responses },
        },
      },
      '/api/lakehouse': {
        get: {
          summary: "The local lakehouse's dashboards, as of its last refresh",
          responses: {
            '200': { description: 'Refresh, checks and dashboards.', content: { [JSON_TYPE]: {} } },
            '404': failure('No lakehouse has run here yet.'),
          },
        },
      },
      '/api/openapi.json': {
        get: {
          summary: 'This document',
          responses: { '200': { description: 'OpenAPI 3.1.', content: { [JSON_TYPE]: {} } } },
        },
      },
    },
    components: { schemas, securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  };
}
