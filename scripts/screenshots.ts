/** Writes the pictures of the documentation: `npm run screenshots`. The shop in them lives in memory. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { createHttpServer } from '../src/http/server.ts';
import { silentLogger } from '../src/lib/logger.ts';
import { launchBrowser } from '../test/support/browser.ts';
import { FakeStatusSource } from '../test/support/fake-status-source.ts';

const OUT = process.argv[2] ?? join(import.meta.dirname, '..', 'docs', 'images');
/** Seconds of life before the first picture, so that the chart has a history. */
const LIVED_S = 840;

interface Shot {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly dark?: boolean;
  readonly locale?: string;
  readonly full?: boolean;
  readonly before?: (page: Page, source: FakeStatusSource) => Promise<void>;
}

const shots: readonly Shot[] = [
  { name: 'page-light', width: 1280, height: 800, full: true },
  { name: 'page-dark', width: 1280, height: 800, full: true, dark: true },
  { name: 'page-phone', width: 390, height: 844, dark: true, locale: 'pt-BR' },
  {
    name: 'page-story',
    width: 1280,
    height: 860,
    before: async (page) => {
      await page.locator('button.event').first().click();
      await page.locator('.timeline').waitFor();
    },
  },
  {
    name: 'page-paused',
    width: 1280,
    height: 800,
    before: async (page, source) => {
      source.slotTrouble = true;
      await page.locator('.banner').waitFor();
    },
  },
];

/** A quarter of an hour in a moment: the clock of the shop is moved, and the server takes its frames meanwhile. */
async function live(source: FakeStatusSource, advance: (ms: number) => void): Promise<void> {
  for (let second = 0; second < LIVED_S; second++) {
    advance(1000);
    if (second === 300) await source.changeSettings({ rate: 140 });
    if (second === 560) await source.changeSettings({ rate: 90 });
    source.step();
    await new Promise((resolve) => setTimeout(resolve, 6));
  }
}

async function main(): Promise<void> {
  mkdirSync(OUT, { recursive: true });
  let offsetMs = -LIVED_S * 1000;
  const source = new FakeStatusSource(() => Date.now() + offsetMs);
  const server = createHttpServer({
    config: { host: '127.0.0.1', port: 0, portWasSet: true, controlToken: undefined },
    logger: silentLogger(),
    source,
    version: '0.1.0',
    frameMs: 5,
  });
  await server.start();
  await live(source, (ms) => {
    offsetMs += ms;
  });
  const browser = await launchBrowser();
  try {
    for (const shot of shots) {
      const stop = source.live(400);
      const context = await browser.newContext({
        viewport: { width: shot.width, height: shot.height },
        colorScheme: shot.dark ? 'dark' : 'light',
        locale: shot.locale ?? 'en-GB',
        reducedMotion: 'reduce',
      });
      const page = await context.newPage();
      await page.goto(server.url);
      await page.locator('#state[data-state="live"]').waitFor();
      await page.locator('button.event').nth(12).waitFor();
      await shot.before?.(page, source);
      const path = join(OUT, `${shot.name}.png`);
      await page.screenshot({ path, fullPage: shot.full ?? false });
      stop();
      source.slotTrouble = false;
      await context.close();
      console.log(`${path}: ${Math.round(statSync(path).size / 1024)} kB`);
    }
  } finally {
    await browser.close();
    await server.stop();
  }
}

await main();
