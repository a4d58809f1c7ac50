import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('the daemon reads what the lakehouse left without loading the lakehouse', () => {
  const file = join(import.meta.dirname, '../../../src/lakehouse/published.ts');
  const imports = readFileSync(file, 'utf8').match(/^import .*$/gm) ?? [];
  expect(imports.length).toBeGreaterThan(2);
  for (const line of imports) expect(line).toMatch(/^import type |from 'node:/);
});
