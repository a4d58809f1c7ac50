/** Turns what PostgreSQL prints into what DuckDB's cast reads as the same value. `undefined`: it has no such value. */
export function duckText(text: string, duckType: string): string | undefined {
  switch (duckType) {
    case 'DATE':
    case 'TIMESTAMP':
    case 'TIMESTAMPTZ':
      // unbracketed, the era would be ignored and the year taken for one of ours
      return text.endsWith(' BC') ? `${text.slice(0, -3)} (BC)` : text;
    default:
      return duckType.startsWith('DECIMAL') && text === 'NaN' ? undefined : text;
  }
}

/** Microseconds since 1970 as a timestamp that DuckDB reads exactly. */
export function microsText(micros: bigint): string {
  const ms = micros / 1000n;
  const rest = micros - ms * 1000n;
  return `${new Date(Number(ms)).toISOString().slice(0, -1)}${rest.toString().padStart(3, '0')}+00`;
}
