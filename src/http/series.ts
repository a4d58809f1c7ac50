/** `[time in ms, achieved orders a minute, target orders a minute]` */
export type SeriesPoint = readonly [atMs: number, achieved: number, target: number];

/** The last points, oldest first, never more than `capacity`. */
export class Series {
  readonly #capacity: number;
  readonly #points: SeriesPoint[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(point: SeriesPoint): void {
    this.#points.push(point);
    if (this.#points.length > this.#capacity) this.#points.shift();
  }

  get points(): readonly SeriesPoint[] {
    return this.#points;
  }
}
