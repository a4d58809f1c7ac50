import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { readSettings } from '../../src/db/settings.ts';
import { openSource } from '../../src/db/source.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { launchBrowser } from '../support/browser.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';

const dataDir = join(mkdtempSync(join(tmpdir(), 'cdc-sim-page-')), 'pg');
const env = { EMBEDDED_DATA_DIR: dataDir };
let daemon: Daemon;
let browser: Browser;
let url: string;

beforeAll(async () => {
  // the port is the default one, or the next that is free
  daemon = startDaemon({ ...env, HTTP_PORT: '', ORDERS_PER_MINUTE: '240' });
  const line = await daemon.waitFor('the link to the page', ({ msg }) => msg.startsWith('status page: http'));
  url = String(line['url']);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await daemon?.end('SIGTERM');
  await rm(join(dataDir, '..'), { recursive: true, force: true });
});

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 90_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const number = async (page: Page, selector: string) =>
  Number((await page.locator(selector).innerText()).replaceAll(',', ''));

it('shows the real shop, steers it through the database, and ends with it', async () => {
  const page = await browser.newPage({ locale: 'en-GB' });
  page.setDefaultTimeout(90_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  await page.locator('#state[data-state="live"]').waitFor();
  await until('orders are placed', async () => (await number(page, '#achieved')) > 0);
  await until('changes are seen', async () => (await page.locator('#changes tbody tr').count()) >= 3);
  await until('orders are counted', async () => (await number(page, '[data-state="Entregue"] .count')) > 100);

  await page.locator('button.event').first().click();
  await page.locator('#story[open] .timeline li').first().waitFor();
  expect(await page.locator('#story').innerText()).toMatch(/Order \d+[\s\S]*R\$/);
  await page.keyboard.press('Escape');

  const source = await openSource(loadConfig(env).config, silentLogger());
  try {
    const settings = () => readSettings(source.connections.db);
    await page.locator('#rate-slider').focus();
    await page.keyboard.press('PageDown');
    await until('the slider changed the rate in the database', async () => {
      const { rate } = await settings();
      return rate !== null && rate < 240 && rate > 0;
    });
    await daemon.waitFor('the log says that the rate is overridden', ({ msg }) =>
      /overrides ORDERS_PER_MINUTE=240/.test(msg),
    );
    await page.locator('#pause').click();
    await page.locator('#state[data-state="paused"]').waitFor();
    expect((await settings()).paused).toBe(true);
    await daemon.waitForEvent('traffic.paused');
    await page.locator('#pause').click();
    await until('resumed', async () => !(await settings()).paused);
  } finally {
    await source.close();
  }

  const metrics = await (await fetch(`${url}metrics`)).text();
  expect(metrics).toMatch(/^cdc_sim_orders_placed_total [1-9]/m);
  expect(metrics).toMatch(/^cdc_sim_changes_total\{table="pedidos",op="insert"\} [1-9]/m);
  expect(metrics).toMatch(/^cdc_sim_transition_lag_seconds_count [1-9]/m);
  expect((await fetch(`${url}readyz`)).status).toBe(200);
  expect(complaints).toEqual([]);

  expect(await daemon.end('SIGTERM')).toBe(0);
  await page.locator('#state[data-state="offline"]').waitFor();
});
