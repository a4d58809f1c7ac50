import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Entry {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Readonly<Record<string, Entry>>;
};

it('locks the binary package of every platform: npm ci fails where one is missing', () => {
  const packages = Object.entries(lock.packages);
  const missing = packages.flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {})
      .filter(
        (name) =>
          lock.packages[`${path}/node_modules/${name}`] === undefined &&
          lock.packages[`node_modules/${name}`]?.version === undefined,
      )
      .map((name) => `${path}: ${name}`),
  );
  expect(packages.length).toBeGreaterThan(200);
  expect(missing).toEqual([]);
});

it('names no registry: where packages come from is the business of who installs', () => {
  expect(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')).not.toMatch(
    /https?:\/\/[^"]*\.tgz/,
  );
});

it('runs Node in a container as npm start does', () => {
  const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> };
  const flags = /^exec node (--.*) src\/main\.ts run$/.exec(scripts['start'] ?? '')?.[1]?.split(' ');
  const entrypoint = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(read('Dockerfile'))?.[1] ?? '[]') as string[];
  expect(entrypoint).toEqual(['node', ...(flags ?? ['no flags']), 'src/main.ts']);
  expect(scripts['sim']).toBe(`exec ${entrypoint.join(' ')}`);
});
