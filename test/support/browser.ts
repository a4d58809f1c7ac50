import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sparticuz, { inflate } from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';

const SYSTEM_BROWSERS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Where the browser is: the system's own, or the one that came by npm, unpacked once on this machine. */
async function browserPath(): Promise<string> {
  const system = process.env['CHROMIUM_PATH'] ?? SYSTEM_BROWSERS.find((path) => existsSync(path));
  if (system !== undefined) return system;
  const home = join(tmpdir(), `cdc-sim-chromium-${process.getuid?.() ?? 'user'}-${sparticuzVersion()}`);
  if (existsSync(home)) return join(home, 'chromium');
  // unpacked beside and renamed: whoever comes meanwhile never starts half a browser
  const beside = `${home}.${process.pid}`;
  mkdirSync(beside, { recursive: true });
  await unpackInto(beside);
  writeFileSync(join(beside, 'fonts', 'fonts.conf'), fontsConfig(join(home, 'fonts')));
  try {
    renameSync(beside, home);
  } catch {
    rmSync(beside, { recursive: true, force: true }); // another process was quicker
  }
  return join(home, 'chromium');
}

/** The package unpacks into the system's temporary directory and nowhere else. */
async function unpackInto(directory: string): Promise<void> {
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = directory;
  try {
    await sparticuz.executablePath();
    const bin = fileURLToPath(new URL('../bin/', import.meta.resolve('@sparticuz/chromium')));
    await inflate(join(bin, 'al2023.tar.br'));
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}

function sparticuzVersion(): string {
  const manifest = new URL('../package.json', import.meta.resolve('@sparticuz/chromium'));
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

/** A browser without a window; works as root in a container. The caller closes it. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = await browserPath();
  const home = dirname(executablePath);
  const launch = (env: Record<string, string>) =>
    chromium.launch({
      executablePath,
      headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--font-render-hinting=none'],
      timeout: 120_000,
      env: { ...definedEnv(), ...fontsOf(home), ...env },
    });
  try {
    return await launch({});
  } catch (error) {
    // a slim system lacks libraries that the package brings along
    const libraries = join(home, 'al2023', 'lib');
    if (!existsSync(libraries)) throw error;
    return launch({ LD_LIBRARY_PATH: libraries });
  }
}

function definedEnv(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** The package brings a font along: the same looks on every machine. */
function fontsOf(home: string): Record<string, string> {
  const file = join(home, 'fonts', 'fonts.conf');
  return existsSync(join(home, 'fonts', 'fonts')) ? { FONTCONFIG_FILE: file } : {};
}

function fontsConfig(directory: string): string {
  const prefer = (family: string) =>
    `<alias binding="strong"><family>${family}</family><prefer><family>Open Sans</family></prefer></alias>`;
  return `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<dir>${directory}</dir><dir>/usr/share/fonts</dir><cachedir>${directory}/cache</cachedir>
${prefer('sans-serif')}${prefer('system-ui')}</fontconfig>`;
}
