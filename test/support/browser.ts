import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

/** The browser that came by npm, unpacked once on this machine. */
async function unpackedBrowser(): Promise<string> {
  const home = join(tmpdir(), `cdc-sim-chromium-${process.getuid?.() ?? 'user'}-${sparticuzVersion()}`);
  if (existsSync(home)) return join(home, 'chromium');
  // unpacked beside and renamed: whoever comes meanwhile never starts half a browser
  const beside = mkdtempSync(`${home}.`);
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
  const system = process.env['CHROMIUM_PATH'] ?? SYSTEM_BROWSERS.find((path) => existsSync(path));
  if (system !== undefined) {
    const browser = await launch(system, {}).catch(() => undefined);
    // what lies there may be a stub that cannot run here
    if (browser !== undefined) return browser;
  }
  const path = await unpackedBrowser();
  const home = dirname(path);
  try {
    return await launch(path, fontsOf(home));
  } catch {
    // a slim system lacks libraries that the package brings along
    return launch(path, { ...fontsOf(home), LD_LIBRARY_PATH: join(home, 'al2023', 'lib') });
  }
}

function launch(executablePath: string, env: Record<string, string>): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--font-render-hinting=none'],
    timeout: 120_000,
    env: { ...definedEnv(), ...env },
  });
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
