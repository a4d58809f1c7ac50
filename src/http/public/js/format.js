import { locale } from './i18n.js';

const made = new Map();

/** Formatters are costly to make: one for each language and set of options. */
function numberFormat(options) {
  const key = locale() + JSON.stringify(options);
  if (!made.has(key)) made.set(key, new Intl.NumberFormat(locale(), options));
  return made.get(key);
}

function dateFormat(options) {
  const key = `d${locale()}${JSON.stringify(options)}`;
  if (!made.has(key)) made.set(key, new Intl.DateTimeFormat(locale(), options));
  return made.get(key);
}

export const count = (value) =>
  value == null ? '–' : numberFormat({ maximumFractionDigits: 0 }).format(value);

/** A rate: whole from 100 on, one digit below, two below one. */
export function rate(value) {
  if (value == null) return '–';
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 1 ? 1 : 2;
  return numberFormat({ maximumFractionDigits: digits }).format(value);
}

export const perSecond = (value) =>
  numberFormat({
    minimumFractionDigits: value < 10 ? 2 : 1,
    maximumFractionDigits: value < 10 ? 2 : 1,
  }).format(value);

export const percent = (value) => numberFormat({ style: 'percent', maximumFractionDigits: 0 }).format(value);

export const money = (text) => numberFormat({ style: 'currency', currency: 'BRL' }).format(Number(text));

export function size(bytes) {
  if (bytes == null) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const text = numberFormat({ maximumFractionDigits: value >= 100 || unit === 0 ? 0 : 1 }).format(value);
  return `${bytes < 0 ? '−' : ''}${text} ${units[unit]}`;
}

export const clock = (ms) =>
  dateFormat({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(ms);

export const clockShort = (ms) =>
  dateFormat({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(ms);

export const moment = (ms) =>
  dateFormat({ day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(
    ms,
  );

/** A calendar day has no time zone. */
export const day = (text) =>
  dateFormat({ day: '2-digit', month: 'short', year: 'numeric', timeZone: 'UTC' }).format(
    Date.parse(`${text}T12:00:00Z`),
  );

/** A span in its two largest units: `1 h 2 min`. */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts = [
    [Math.floor(seconds / 86400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${count(value)} ${unit}`)
    .join(' ');
}
