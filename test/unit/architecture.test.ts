import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const src = join(root, 'src');

/** Who may import whom, by folder below src; imports within a folder are free. Commands are a feature's upper end: see below. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  config: ['lib'],
  db: ['config', 'lib', 'migrations', 'orders'],
  orders: ['catalog', 'db', 'config', 'lib'],
  catalog: ['orders', 'db', 'config', 'lib'],
  realism: ['orders', 'catalog', 'traffic', 'lib'],
  traffic: ['orders', 'catalog', 'db', 'config', 'lib'],
  schedule: ['lib'],
  cdc: ['traffic', 'orders', 'db', 'config', 'lib'],
  verify: ['cdc', 'orders', 'db', 'config', 'lib', 'lakehouse'],
  scenarios: ['verify', 'cdc', 'traffic', 'orders', 'catalog', 'db', 'config', 'lib'],
  lakehouse: ['verify', 'cdc', 'db', 'config', 'lib'],
  http: ['config', 'lib'],
};
/** Files straight below src, and a feature's command: they wire, and may import any folder. */
const isWiring = (file: string) => dirname(file) === '.' || /(^|[-/])command\.ts$/.test(file);

/** Files that decide: no clock, no chance, no environment, no database of their own. */
const PURE = [
  /^orders\/(lifecycle|types)\.ts$/,
  /^orders\/model\//,
  /^traffic\/(demand|messages|rate-meter)\.ts$/,
  /^catalog\/(cpf|customers|products|descriptions|weighted|dimensions|types)\.ts$/,
  /^catalog\/data\//,
  /^cdc\/(checks|plan|classif)/,
  /^db\/(access|advice|backend-state|contents|expected-tables|session|shape)\.ts$/,
  /^verify\/(compare|judge|report)\.ts$/,
];
const IMPURE_CODE = /\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)|\bprocess\.|\bperformance\.now\(/;
const IMPURE_IMPORTS = /^(node:(?!util|path)|pg$|pg-|kysely|pino|fastify|dotenv)/;

interface Source {
  readonly file: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function sources(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const text = readFileSync(path, 'utf8');
      const imports = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map(
        (match) => match[1] ?? '',
      );
      return { file: relative(folder, path).replaceAll('\\', '/'), text, imports };
    });
}

const files = sources(src);
const code = (text: string) => text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '');
const folderOf = (file: string) => file.split('/')[0] ?? '';
const targetFolder = (from: string, specifier: string) => {
  const target = relative(src, resolve(src, dirname(from), specifier)).replaceAll('\\', '/');
  return target.startsWith('../')
    ? (target.split('/')[1] ?? '')
    : target.includes('/')
      ? folderOf(target)
      : '(src)';
};

describe('the architecture', () => {
  it('has sources to look at', () => {
    expect(files.length).toBeGreaterThan(60);
    expect(files.some((source) => source.imports.some((specifier) => specifier.startsWith('.')))).toBe(true);
  });

  it('lets imports point down only', () => {
    const wrong = files
      .filter((source) => !isWiring(source.file))
      .flatMap((source) =>
        source.imports
          .filter((specifier) => specifier.startsWith('.'))
          .map((specifier) => ({
            from: source.file,
            folder: folderOf(source.file),
            to: targetFolder(source.file, specifier),
          }))
          .filter(({ folder, to }) => to !== folder && !(ALLOWED[folder] ?? []).includes(to))
          .map(({ from, to }) => `${from} imports from ${to}`),
      );
    expect(wrong).toEqual([]);
  });

  it('keeps src free of tests, and migrations free of src', () => {
    const wrong = files
      .filter((source) => source.imports.some((specifier) => /(^|\/)(test|bench)\//.test(specifier)))
      .map((source) => source.file);
    expect(wrong).toEqual([]);
    for (const migration of sources(join(root, 'migrations')))
      expect(migration.imports, migration.file).toEqual(['kysely']);
  });

  it('reads the environment in config and main alone, and ends the process in main alone', () => {
    const readers = files
      .filter((source) => /\bprocess\.env\b/.test(code(source.text)))
      .map((source) => source.file);
    expect(readers.filter((file) => file !== 'main.ts' && !file.startsWith('config/'))).toEqual([]);
    const enders = files
      .filter((source) => /\bprocess\.exit\(/.test(code(source.text)))
      .map((source) => source.file);
    expect(enders).toEqual(['main.ts']);
  });

  it('keeps what decides pure: no clock, no chance, no environment, no database', () => {
    const pure = files.filter((source) => PURE.some((pattern) => pattern.test(source.file)));
    expect(pure.length).toBeGreaterThan(20);
    const wrong = pure.flatMap((source) => [
      ...(IMPURE_CODE.test(code(source.text))
        ? [`${source.file}: ${IMPURE_CODE.exec(code(source.text))?.[0]}`]
        : []),
      ...source.imports
        .filter((specifier) => IMPURE_IMPORTS.test(specifier))
        .map((specifier) => `${source.file} imports ${specifier}`),
      ...source.imports
        .filter(
          (specifier) =>
            specifier.startsWith('.') &&
            targetFolder(source.file, specifier) === 'db' &&
            !/\/(schema|shape|expected-tables|sqlstate)\.ts$/.test(specifier),
        )
        .map((specifier) => `${source.file} imports ${specifier}`),
    ]);
    expect(wrong).toEqual([]);
  });

  it('imports only packages that package.json names, and none for development', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const wrong = files.flatMap((source) =>
      source.imports
        .filter((specifier) => /^[a-z@]/.test(specifier) && !specifier.startsWith('node:'))
        .map((specifier) =>
          specifier
            .split('/')
            .slice(0, specifier.startsWith('@') ? 2 : 1)
            .join('/'),
        )
        .filter((name) => !(name in dependencies))
        .map((name) => `${source.file} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });
});
