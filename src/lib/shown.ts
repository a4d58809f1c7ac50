/**
 * A text as a message may carry it: in quotes, shortened, and with everything escaped that a terminal would not show
 * or would obey (control and format characters, other spaces than U+0020): what cannot be seen is what is wrong.
 */
export function shown(text: string, max = 80): string {
  const cut = text.length > max ? `${text.slice(0, max)}…` : text;
  return JSON.stringify(cut).replaceAll(UNSEEN, escapeAll);
}

/** A text of several lines with everything escaped that a terminal would not show or would obey. */
export function visible(text: string): string {
  return text.replaceAll(UNSEEN, (character) => (character === '\n' ? character : escapeAll(character)));
}

const UNSEEN = /[\p{C}\u0080-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/gu;

function escapeAll(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}}`;
}

/** Names the first character that is not ASCII, for who cannot see it: look-alikes, other digits; '' when all are. */
export function foreignCharacter(text: string): string {
  const found = /[^\0-\x7f]/u.exec(text)?.[0];
  if (found === undefined) return '';
  return `U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
