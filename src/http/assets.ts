import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';

export interface Asset {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
};

const PUBLIC = join(import.meta.dirname, 'public');

/** Every file of the page by its path, read once: nothing else can be asked for, whatever the path says. */
export function loadAssets(): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  const add = (path: string, file: string) => {
    const body = readFileSync(file);
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    assets.set(path, { body, type: TYPES[extname(file)] ?? 'application/octet-stream', etag });
  };
  for (const name of readdirSync(PUBLIC, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    const file = join(name.parentPath, name.name);
    const path = file.slice(PUBLIC.length).replaceAll('\\', '/');
    add(path === '/index.html' ? '/' : path, file);
  }
  const require = createRequire(import.meta.url);
  add('/vendor/uplot.js', require.resolve('uplot/dist/uPlot.esm.js'));
  add('/vendor/uplot.css', require.resolve('uplot/dist/uPlot.min.css'));
  return assets;
}
