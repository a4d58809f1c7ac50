/** JSON Schemas (2020-12) of what the API takes and gives; the OpenAPI document and its test are made of them. */
type Schema = Readonly<Record<string, unknown>>;

const string: Schema = { type: 'string' };
const number: Schema = { type: 'number' };
const integer: Schema = { type: 'integer' };
const boolean: Schema = { type: 'boolean' };
const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });
const list = (items: Schema): Schema => ({ type: 'array', items });
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const map = (additionalProperties: Schema): Schema => ({ type: 'object', additionalProperties });

/** An object all of whose properties are there, and no other. */
function object(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

const time: Schema = { type: 'number', description: 'milliseconds since 1970-01-01T00:00:00Z' };
const bytes: Schema = { type: 'number', minimum: 0, description: 'bytes' };
const money: Schema = { type: 'string', pattern: '^\\d+\\.\\d{2}$', description: 'reais' };

/** The body of `PATCH /api/settings`; Fastify checks requests against it. */
export const settingsChangeSchema = {
  type: 'object',
  properties: {
    rate: {
      type: ['number', 'null'],
      minimum: 0,
      maximum: 1_000_000,
      description: 'orders a minute over all workers; null goes back to ORDERS_PER_MINUTE',
    },
    paused: { type: 'boolean' },
  },
  minProperties: 1,
  additionalProperties: false,
} as const;

export const schemas: Readonly<Record<string, Schema>> = {
  Problem: object({ type: string, title: string, status: integer, detail: string, fix: string }, ['fix']),
  Health: object({ status: { const: 'ok' }, uptimeSeconds: number }),
  Readiness: object({
    ready: boolean,
    checks: list(object({ name: string, ok: boolean, detail: string })),
  }),
  SettingsChange: settingsChangeSchema,
  Settings: object({
    ratePerMinute: number,
    rateOverride: orNull(number),
    configuredRate: number,
    paused: boolean,
  }),
  DoctorReport: object({
    atMs: time,
    findings: list(
      object({
        level: { enum: ['ok', 'info', 'warning', 'problem'] },
        title: string,
        detail: string,
        fix: orNull(string),
      }),
    ),
  }),
  Event: object({
    seq: integer,
    event: string,
    atMs: time,
    message: orNull(string),
    fields: map({ type: ['string', 'number'] }),
  }),
  Snapshot: object({
    atMs: time,
    version: string,
    startedAtMs: time,
    shop: orNull(object({ id: string, seed: string, createdAtMs: time })),
    lifecycleSpeed: number,
    database: object({
      state: { enum: ['starting', 'connected', 'lost'] },
      sinceMs: time,
      where: string,
      sizeBytes: orNull(bytes),
      growthBytesPerHour: orNull(number),
      capBytes: orNull(bytes),
    }),
    traffic: object({
      targetPerMinute: number,
      achievedPerMinute: number,
      settings: ref('Settings'),
      pausedBy: list(object({ source: string, reason: string })),
      dueBacklog: orNull(integer),
      behind: orNull(object({ detail: string })),
    }),
    changes: list(
      object({ table: string, op: { enum: ['I', 'U', 'D'] }, perSecond: number, total: integer }),
    ),
    funnel: object({
      counts: orNull(map(integer)),
      countedAtMs: orNull(time),
      movedLastMinute: map(integer),
    }),
    workers: list(
      object({
        id: string,
        name: string,
        self: boolean,
        startedAtMs: time,
        seenAtMs: time,
        share: { type: 'number', minimum: 0, maximum: 1 },
        placedPerMinute: orNull(number),
      }),
    ),
    pool: orNull(object({ size: integer, idle: integer, waiting: integer })),
    cdc: object({
      slots: list(
        object({
          name: string,
          plugin: orNull(string),
          active: boolean,
          walStatus: orNull(string),
          retainedBytes: orNull(bytes),
          capBytes: orNull(bytes),
          hoursLeft: orNull(number),
        }),
      ),
      slotsReadAtMs: orNull(time),
      lastHeartbeatAtMs: orNull(time),
    }),
    doctor: orNull(ref('DoctorReport')),
    verify: orNull(object({ atMs: time, target: string, ok: boolean, summary: string })),
  }),
  Status: object({
    status: orNull(ref('Snapshot')),
    series: {
      ...list({ type: 'array', prefixItems: [time, number, number], items: false, minItems: 3 }),
      description: 'the last quarter of an hour: time, achieved and target orders a minute',
    },
    events: list(ref('Event')),
    viewers: integer,
    ageMs: { type: 'number', description: 'how old `status` is, in milliseconds' },
  }),
  Order: object({
    id: integer,
    status: string,
    customer: object({ id: integer, name: { ...string, description: 'masked' }, city: string }),
    channel: string,
    payment: string,
    installments: integer,
    subtotal: money,
    freight: money,
    discount: money,
    total: money,
    promisedOn: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}$' },
    createdAtMs: time,
    updatedAtMs: time,
    items: list(
      object({ productId: integer, name: string, quantity: integer, unitPrice: money, subtotal: money }),
    ),
    timeline: list(object({ event: string, atMs: time, dueAtMs: orNull(time), planned: boolean })),
  }),
};
