import type { Announcement } from '../lib/announcer.ts';

/** E-mail addresses, CPF numbers and credentials in a URL, in whatever text they stand. */
const PERSONAL: readonly (readonly [RegExp, string])[] = [
  [/\b[\w.+-]+@[\w-]+(\.[\w-]+)+/g, '•••@•••'],
  [/\b\d{3}\.?\d{3}\.?\d{3}-?\d{2}\b/g, '•••.•••.•••-••'],
  [/:\/\/[^\s/@]+@/g, '://•••@'],
];

export function maskText(text: string): string {
  return PERSONAL.reduce((masked, [pattern, by]) => masked.replaceAll(pattern, by), text);
}

/** What of an announcement a viewer may see: numbers and names of things, nothing of a person. */
const SHOWN = [
  'orderId',
  'customerId',
  'productId',
  'total',
  'items',
  'status',
  'channel',
  'payment',
  'quantity',
  'price',
  'rate',
  'source',
  'worker',
  'slot',
] as const;

export interface PublicEvent {
  /** Counts up by one; a gap means that events were left out. */
  readonly seq: number;
  readonly event: string;
  readonly atMs: number;
  /** Sentences about the daemon; null for single orders, customers and products, which `fields` describe. */
  readonly message: string | null;
  readonly fields: Readonly<Record<string, string | number>>;
}

export function publicEvent(announcement: Announcement, seq: number): PublicEvent {
  const fields: Record<string, string | number> = {};
  for (const key of SHOWN) {
    const value = announcement.fields[key];
    if (typeof value === 'number') fields[key] = value;
    else if (typeof value === 'string') fields[key] = maskText(value.slice(0, 60));
  }
  const single = /^(order|customer|product)\./.test(announcement.event);
  return {
    seq,
    event: announcement.event,
    atMs: announcement.atMs,
    message: single ? null : maskText(announcement.message.slice(0, 400)),
    fields,
  };
}
