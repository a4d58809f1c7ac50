import fc from 'fast-check';

/** Texts that somebody, a template or a slip of the hand puts where a value is wanted. */
export const HOSTILE_TEXTS: readonly string[] = [
  ...['', ' ', '\t \r\n', '\u00a0', '\u200b', '\ufeff'],
  ...['-1', '-0', '+1', '--', '0', '00', '0.0', '-0.0', '.5', '5.', '1.5', '0.1', '1,5', '1_000', '1 000'],
  ...['1e308', '1e309', '-1e308', '9007199254740992', '9007199254740993', '1'.repeat(40), '9'.repeat(400)],
  ...['NaN', 'Infinity', '-Infinity', 'null', 'undefined', 'true', 'false', '[]', '{}', '[object Object]'],
  ...['0x10', '0o17', '0b11', '1e3', '1E3', '1n', '10%', '5 GB', '-1GB', '1e3MB', '999999999999TB', '1.5MB'],
  ...['٣', '١٠', '۳', '६०', '１２', '６０', '６０MB', '5٣', '²', 'Ⅻ', '一'],
  ...['роisson', 'РОISSON', 'steаdy', 'dіsable', 'lоcalhost', 'ｄａｉｌｙ', 'ＴＲＵＥ', 'рostgres://a:b@h/d'],
  ...['🛍️', '👨‍👩‍👧', 'e\u0301', '\u0301', 'ção', 'Ünal', '\u202egnol', '\u2066x', 'שלום', 'مرحبا'],
  ...['a\nb', '5\n', '\n5', 'a\0b', '\0', '\x1b[31mred', '\x9b31m', '\x7f', '\ud800', '\udfff\ud800'],
  ...[`'`, `"`, '`', `'; DROP TABLE pedidos; --`, '"quoted"', '$(id)', `\${HOME}`, '\\', '%', '%00', '%ZZ'],
  ...['constructor', '__proto__', 'toString', 'hasOwnProperty'],
  ...[
    'x'.repeat(63),
    'x'.repeat(64),
    'ç'.repeat(32),
    'x'.repeat(300),
    'x'.repeat(100_000),
    '9'.repeat(100_000),
  ],
  ...['../../etc/passwd', '/', 'h:5432', 'http://h', 'a@b', '[::1]', '::1', '1.2.3.4', '１.２.３.４'],
];

/** Those, pieces of them side by side, and whatever fast-check thinks of. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...HOSTILE_TEXTS),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.double().map(String),
  fc.bigInt().map(String),
  fc.tuple(fc.constantFrom(...HOSTILE_TEXTS), fc.constantFrom(...HOSTILE_TEXTS)).map((pair) => pair.join('')),
);
