import type { ServerResponse } from 'node:http';
import type { Announcement } from '../lib/announcer.ts';
import { delay } from '../lib/backoff.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { maskText, type PublicEvent, publicEvent } from './mask.ts';
import type { Metrics } from './metrics.ts';
import { Series, type SeriesPoint } from './series.ts';
import type { StatusSnapshot, StatusSource } from './source.ts';

/** Between two frames. */
export const FRAME_MS = 1000;
/** A quarter of an hour, a point every other second. */
const SERIES_POINTS = 450;
const POINT_EVERY_MS = 2000;
/** Snapshots come every second, give or take: a point is not put off for being some milliseconds early. */
const POINT_SLACK_MS = 200;
const RECENT_EVENTS = 60;
/** More than this in one frame is more than anybody reads: the newest are shown, the rest are counted. */
const EVENTS_A_FRAME = 25;
/** A viewer who has not taken this much is too slow: it is cut off, and its browser comes back by itself. */
const MAX_PENDING_BYTES = 512 * 1024;
export const MAX_VIEWERS = 100;

/** One second for all viewers. */
export interface Frame {
  readonly status: StatusSnapshot | null;
  readonly point: SeriesPoint | null;
  readonly events: readonly PublicEvent[];
  readonly viewers: number;
  /** How old `status` is; more than some seconds: the daemon does not answer itself. */
  readonly ageMs: number;
}

/** What a viewer is told on arrival. */
export interface Hello extends Frame {
  readonly series: readonly SeriesPoint[];
}

/**
 * Takes one snapshot a second, whoever looks, and sends it to all viewers, serialised once. Traffic never waits for
 * a viewer: what happens is put in a bounded list, and a viewer that does not read is dropped.
 */
export class Hub {
  readonly #frameMs: number;
  readonly #source: StatusSource;
  readonly #metrics: Metrics;
  readonly #logger: Logger;
  readonly #viewers = new Set<ServerResponse>();
  readonly #series = new Series(SERIES_POINTS);
  readonly #recent: PublicEvent[] = [];
  #fresh: PublicEvent[] = [];
  #seq = 0;
  #asking = false;
  #doctorAsked = false;
  #snapshot: StatusSnapshot | null = null;
  #takenAtMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(source: StatusSource, metrics: Metrics, logger: Logger, frameMs = FRAME_MS) {
    this.#frameMs = frameMs;
    this.#source = source;
    this.#metrics = metrics;
    this.#logger = logger;
  }

  get snapshot(): StatusSnapshot | null {
    return this.#snapshot;
  }

  get series(): readonly SeriesPoint[] {
    return this.#series.points;
  }

  get recent(): readonly PublicEvent[] {
    return this.#recent;
  }

  get ageMs(): number {
    return Math.round(performance.now() - this.#takenAtMs);
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  async start(): Promise<void> {
    this.#unsubscribe = this.#source.subscribe((announcement) => this.#hear(announcement));
    this.#timer = setInterval(() => void this.#tick(), this.#frameMs);
    this.#timer.unref();
    // a source that does not answer yet must not hold up the start
    await Promise.race([this.#tick(), delay(this.#frameMs)]);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#unsubscribe?.();
    for (const viewer of this.#viewers) viewer.end('event: bye\ndata: {}\n\n');
    this.#viewers.clear();
  }

  /** Takes a viewer in; false when there are too many. */
  join(response: ServerResponse): boolean {
    if (this.#viewers.size >= MAX_VIEWERS) return false;
    this.#viewers.add(response);
    const leave = () => this.#viewers.delete(response);
    response.on('close', leave);
    response.on('error', leave);
    const hello: Hello = {
      status: this.#snapshot,
      point: null,
      series: this.#series.points,
      events: this.#recent.slice(-EVENTS_A_FRAME),
      viewers: this.#viewers.size,
      ageMs: this.ageMs,
    };
    this.#askDoctorOnce();
    response.write(`retry: 2000\nevent: hello\ndata: ${JSON.stringify(hello)}\n\n`);
    return true;
  }

  /** Asks for a fresh snapshot now, so that who changed something sees it at once. */
  async refresh(): Promise<void> {
    await this.#tick();
  }

  /** The first who looks finds out how the source is; nobody has to press a button for that. */
  #askDoctorOnce(): void {
    if (this.#doctorAsked || this.#snapshot?.doctor !== null) return;
    this.#doctorAsked = true;
    this.#source.runDoctor().catch((error: unknown) => {
      this.#logger.debug({ reason: messageOf(error) }, 'the doctor could not look at the database');
    });
  }

  #hear(announcement: Announcement): void {
    this.#metrics.observe(announcement);
    if (announcement.event === 'traffic.summary') return;
    this.#seq += 1;
    // beyond a frame's worth, only the newest will be shown: keep no more than that
    this.#fresh.push(publicEvent(announcement, this.#seq));
    if (this.#fresh.length > 2 * EVENTS_A_FRAME) this.#fresh = this.#fresh.slice(-EVENTS_A_FRAME);
  }

  async #tick(): Promise<void> {
    if (!this.#asking) await this.#takeSnapshot();
    const events = this.#fresh.slice(-EVENTS_A_FRAME);
    this.#fresh = [];
    this.#recent.push(...events);
    this.#recent.splice(0, Math.max(0, this.#recent.length - RECENT_EVENTS));
    const point = this.#addPoint();
    if (this.#viewers.size === 0) return;
    const frame: Frame = {
      status: this.#snapshot,
      point,
      events,
      viewers: this.#viewers.size,
      ageMs: this.ageMs,
    };
    this.#send(`event: frame\ndata: ${JSON.stringify(frame)}\n\n`);
  }

  async #takeSnapshot(): Promise<void> {
    this.#asking = true;
    try {
      this.#snapshot = presentable(await this.#source.status());
      this.#takenAtMs = performance.now();
    } catch (error) {
      this.#logger.debug({ reason: messageOf(error) }, 'no snapshot for the status page');
    } finally {
      this.#asking = false;
    }
  }

  #addPoint(): SeriesPoint | null {
    if (this.#snapshot === null) return null;
    const { atMs, traffic } = this.#snapshot;
    const lastMs = this.#series.points.at(-1)?.[0] ?? 0;
    if (atMs - lastMs < POINT_EVERY_MS - POINT_SLACK_MS) return null;
    const point: SeriesPoint = [atMs, traffic.achievedPerMinute, traffic.targetPerMinute];
    this.#series.add(point);
    return point;
  }

  #send(text: string): void {
    for (const viewer of this.#viewers) {
      if (viewer.writableLength > MAX_PENDING_BYTES) {
        this.#viewers.delete(viewer);
        viewer.destroy();
      } else viewer.write(text);
    }
  }
}

/** Sentences may quote an error of the driver: what is personal or secret in them is masked. */
function presentable(snapshot: StatusSnapshot): StatusSnapshot {
  const { database, traffic } = snapshot;
  return {
    ...snapshot,
    database: { ...database, where: maskText(database.where) },
    traffic: {
      ...traffic,
      pausedBy: traffic.pausedBy.map(({ source, reason }) => ({ source, reason: maskText(reason) })),
    },
  };
}
