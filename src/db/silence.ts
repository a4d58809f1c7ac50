import { type BackendVerdict, judgeBackend } from './backend-state.ts';
import type { Look } from './look-at-backends.ts';

/** A connection, as far as its silence goes. */
export interface Hearable {
  /** Of its backend; null where that number means nothing: behind a pooler, or not known yet. */
  readonly pid: number | null;
  /** Bytes that ever arrived. */
  readonly bytesRead: number;
  /** Breaks it; whoever waits on it gets an error that says why. */
  tearDown(why: string): void;
}

export interface SilenceOptions {
  /** After so long without an answer, where nobody can tell whether the server is at work, a connection is dead. */
  readonly timeoutMs: number;
  /** Asks the server, over a connection of its own, what these backends are at. */
  readonly look: (pids: readonly number[], deadlineMs: number, signal: AbortSignal) => Promise<Look>;
  readonly monotonicMs?: () => number;
}

/** An answer that is overdue for this long makes us look. */
const LOOK_AFTER_MS = 2_000;
/** Who has waited for so long is looked at together with him. */
const JOIN_AFTER_MS = 1_000;
/** Statements that the server is at are looked at so often; suspects are looked at again sooner. */
const LOOK_EVERY_MS = 3_000;
const LOOK_AGAIN_MS = 750;
const LEAST_DEADLINE_MS = 2_000;
const MOST_DEADLINE_MS = 6_000;
const LEAST_CONNECT_MS = 4_000;
/** When a new connection gets no answer either, those that have waited for so long are dead. */
const GONE_AFTER_MS = 5_000;
const TICK_MS = 250;
/** This process slept: what came meanwhile is not read yet. */
const SLEPT_MS = 1_500;

/**
 * Notices connections gone silent: a network that drops packets never says so, and the statement whose answer does not
 * come may as well wait for a lock. So the server is asked, over a connection of its own. A statement that it is at may
 * take as long as it takes; where the server waits for us, in two looks and with nothing heard in between, the connection
 * is torn down, and with it those that nobody uses just now: they went the same way, and cost little to make anew.
 * While answers come in time there is nothing but a clock reading a statement.
 */
export class SilenceWatch {
  readonly #options: SilenceOptions;
  readonly #monotonicMs: () => number;
  readonly #lines = new Set<Line>();
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #tickedAtMs = 0;
  #looking = false;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #failedLooks = 0;
  /** How long the last connection took to make. */
  #connectMs = 0;

  constructor(options: SilenceOptions) {
    this.#options = options;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
  }

  /** Takes a connection that is being made. */
  add(client: Hearable): Line {
    const line = new Line(client, this.#monotonicMs, () => this.#arm());
    this.#lines.add(line);
    return line;
  }

  /**
   * How long the next connection may take to be made: one that was begun while the network was gone must not keep us
   * waiting for long once it is back. The first may take its time.
   */
  connectTimeoutMs(mostMs: number): number {
    return this.#connectMs === 0
      ? mostMs
      : Math.min(Math.max(LEAST_CONNECT_MS, 20 * this.#connectMs), mostMs);
  }

  /** It is made. */
  connected(line: Line): void {
    this.#connectMs = this.#monotonicMs() - line.sinceMs;
  }

  remove(line: Line): void {
    this.#lines.delete(line);
  }

  stop(): void {
    this.#stopping.abort();
    clearTimeout(this.#timer);
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#stopping.signal.aborted) return;
    this.#tickedAtMs = this.#monotonicMs();
    this.#timer = setTimeout(() => this.#tick(), TICK_MS).unref();
  }

  #tick(): void {
    this.#timer = undefined;
    const nowMs = this.#monotonicMs();
    const slept = nowMs - this.#tickedAtMs > SLEPT_MS;
    const waiting: Line[] = [];
    for (const line of this.#lines) {
      line.listen(nowMs, slept);
      if (line.inFlight > 0) waiting.push(line);
    }
    if (waiting.length === 0) return;
    this.#arm();
    const { timeoutMs } = this.#options;
    for (const line of waiting) {
      if (nowMs - Math.max(line.sinceMs, line.workedAtMs) >= timeoutMs)
        this.#tearDown(line, `no answer from the database for ${seconds(timeoutMs)}`);
    }
    if (this.#looking || nowMs - this.#lookedAtMs < LOOK_AGAIN_MS) return;
    if (waiting.some((line) => nowMs >= Math.max(line.sinceMs + LOOK_AFTER_MS, line.nextLookMs)))
      void this.#lookAt(waiting.filter((line) => nowMs - line.sinceMs >= JOIN_AFTER_MS));
  }

  async #lookAt(lines: readonly Line[]): Promise<void> {
    this.#looking = true;
    this.#lookedAtMs = this.#monotonicMs();
    const asked = lines.map((line) => ({ line, sinceMs: line.sinceMs }));
    const pids = lines.map((line) => line.client.pid).filter((pid) => pid !== null);
    const deadlineMs = Math.min(Math.max(LEAST_DEADLINE_MS, 3 * this.#connectMs), MOST_DEADLINE_MS);
    const look = await this.#options.look(pids, deadlineMs, this.#stopping.signal);
    this.#looking = false;
    if (this.#stopping.signal.aborted) return;
    const nowMs = this.#monotonicMs();
    this.#failedLooks = look.kind === 'nothing' ? this.#failedLooks + 1 : 0;
    for (const { line, sinceMs } of asked) {
      line.listen(nowMs, false);
      // answered meanwhile, or partly
      if (line.inFlight > 0 && line.sinceMs === sinceMs) this.#judge(line, look, nowMs);
    }
  }

  #judge(line: Line, look: Look, nowMs: number): void {
    const silentMs = nowMs - line.sinceMs;
    line.nextLookMs = look.kind === 'nothing' ? nowMs : nowMs + LOOK_AGAIN_MS;
    if (look.kind === 'nothing') {
      if (this.#failedLooks >= 2 && silentMs >= GONE_AFTER_MS)
        this.#tearDown(
          line,
          `no answer for ${seconds(silentMs)}, and a new connection gets none either (${look.reason})`,
        );
      return;
    }
    const verdict = verdictOf(line, look);
    if (verdict === 'waiting') {
      if (line.suspectedOfMs === line.sinceMs)
        this.#tearDown(
          line,
          `no answer for ${seconds(silentMs)}, and the server is not at it: it was lost on the way`,
        );
      line.suspectedOfMs = line.sinceMs;
      return;
    }
    line.suspectedOfMs = undefined;
    line.nextLookMs = nowMs + LOOK_EVERY_MS;
    if (verdict === 'working') line.workedAtMs = nowMs;
  }

  #tearDown(silent: Line, why: string): void {
    this.#lines.delete(silent);
    silent.client.tearDown(`read timeout: ${why}`);
    for (const line of this.#lines) {
      if (!line.unused) continue;
      this.#lines.delete(line);
      line.client.tearDown('closed: another connection has gone silent');
    }
  }
}

function verdictOf(line: Line, look: Exclude<Look, { kind: 'nothing' }>): BackendVerdict {
  if (look.kind === 'refused') return 'unknown';
  const { pid } = line.client;
  return judgeBackend(pid === null ? undefined : look.backends.get(pid), look.othersAtWork);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** One connection under watch. */
export class Line {
  readonly client: Hearable;
  readonly #monotonicMs: () => number;
  readonly #onAsked: () => void;
  #bytesRead = 0;
  /** Statements without an answer. */
  inFlight = 0;
  /** When it was last heard from, or asked after that; it also names this silence. */
  sinceMs: number;
  /** The silence in which the server was first seen to wait for us. */
  suspectedOfMs: number | undefined;
  /** When the server was last seen at work for it. */
  workedAtMs = Number.NEGATIVE_INFINITY;
  nextLookMs = Number.NEGATIVE_INFINITY;
  /** In the pool, and nobody's. */
  unused = false;

  constructor(client: Hearable, monotonicMs: () => number, onAsked: () => void) {
    this.client = client;
    this.#monotonicMs = monotonicMs;
    this.#onAsked = onAsked;
    this.sinceMs = monotonicMs();
  }

  asked(): void {
    if (this.inFlight === 0) this.sinceMs = this.#monotonicMs();
    this.inFlight += 1;
    this.#onAsked();
  }

  answered(): void {
    this.inFlight -= 1;
    if (this.inFlight > 0) this.sinceMs = this.#monotonicMs();
  }

  /** Takes note of what has arrived; `afresh`: begins to listen only now. */
  listen(nowMs: number, afresh: boolean): void {
    const { bytesRead } = this.client;
    if (bytesRead === this.#bytesRead && !afresh) return;
    this.#bytesRead = bytesRead;
    this.sinceMs = nowMs;
  }
}
