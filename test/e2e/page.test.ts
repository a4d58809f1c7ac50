import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { type RunningPage, startPage } from '../support/http.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

let running: RunningPage;
let stopLife: () => void;
let context: BrowserContext | undefined;
/** What no page may do: speak to elsewhere, or complain. */
let foreign: string[];
let complaints: string[];

beforeEach(async () => {
  running = await startPage({ frameMs: 250 });
  stopLife = running.source.live(250);
  foreign = [];
  complaints = [];
});
afterEach(async () => {
  stopLife();
  await context?.close();
  context = undefined;
  await running.server.stop();
});

async function open(options: BrowserContextOptions = {}, path = '/'): Promise<Page> {
  context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.on('request', (request) => {
    if (!request.url().startsWith(running.base)) foreign.push(request.url());
  });
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(running.base + path);
  await page.locator('#state:not([data-state="waiting"], [data-state="starting"])').waitFor();
  return page;
}

const text = (page: Page, selector: string) => page.locator(selector).innerText();

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The chart's pixels: two readings differ when it moved. */
const pixels = (page: Page) =>
  page.evaluate<string>(`document.querySelector('#chart canvas')?.toDataURL() ?? ''`);

/** What has the focus: who it is, by what name it is read out, and whether that is seen. */
const FOCUS = `(() => {
  const element = document.activeElement;
  const name = element.labels?.[0]?.textContent ?? element.ariaLabel ?? element.textContent ?? '';
  return { id: element.id || element.className, name: name.trim(), ring: getComputedStyle(element).outlineStyle };
})()`;

describe('the page', () => {
  it('loads with every panel filled, without a complaint and without a word to elsewhere; its chart moves', async () => {
    const page = await open();
    await page.locator('#ticker .event').nth(3).waitFor();
    expect(await text(page, '#target')).toBe('60');
    expect(Number(await text(page, '#achieved'))).toBeGreaterThan(0);
    expect(await text(page, '#funnel')).toMatch(/Pendente[\s\S]*Enviado[\s\S]*Devolvido/);
    expect(await page.locator('#changes tbody tr').count()).toBe(5);
    expect(await text(page, '#slots')).toMatch(/hevo_slot\s*reading/);
    expect(await text(page, '#doctor')).toContain('ALTER SYSTEM SET max_slot_wal_keep_size');
    expect(await text(page, '#verify')).toContain('everything arrived');
    expect(await page.locator('#workers tbody tr').count()).toBe(2);
    expect(await text(page, '#facts')).toMatch(/61\.4 MB[\s\S]*4\.2 MB an hour/);
    const before = {
      points: await page.locator('#chart').getAttribute('data-points'),
      drawn: await pixels(page),
    };
    expect(before.drawn.length).toBeGreaterThan(1000);
    await until('the chart moves', async () => {
      const points = await page.locator('#chart').getAttribute('data-points');
      return Number(points) > Number(before.points) && (await pixels(page)) !== before.drawn;
    });
    expect(await page.locator('#chart').getAttribute('aria-label')).toMatch(/target 60/);
    expect(foreign).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('steers: slider by keyboard, exact field, back to the default, pause and resume', async () => {
    const page = await open();
    const slider = page.locator('#rate-slider');
    await slider.focus();
    await page.keyboard.press('PageUp');
    await until('the slider changed the rate', () => (running.source.changes.at(-1)?.rate ?? 0) > 60);
    await until('the page shows it', async () => Number(await text(page, '#target')) > 60);
    await page.locator('#rate-field').fill('1,234.5');
    await page.keyboard.press('Enter');
    await until('the field set the rate', () => running.source.changes.at(-1)?.rate === 1234.5);
    await page.locator('#rate-field').fill('plenty');
    await page.keyboard.press('Enter');
    await page.locator('#rate-field[aria-invalid="true"]').waitFor();
    expect(running.source.changes.at(-1)?.rate).toBe(1234.5);
    await page.locator('#rate-field').fill('10');
    await page.keyboard.press('Enter');
    await until('ten', () => running.source.changes.at(-1)?.rate === 10);
    await page.locator('#rate-default').click();
    await until('the default', () => running.source.changes.at(-1)?.rate === null);
    await page.locator('#pause').click();
    await page.locator('#state[data-state="paused"]').waitFor();
    expect(await text(page, '#banners')).toContain('paused by the operator');
    expect(running.source.changes.at(-1)).toEqual({ paused: true });
    expect(await text(page, '#pause')).toBe('Resume');
    await page.locator('#pause').click();
    await page.locator('#state[data-state="live"]').waitFor();
    expect(complaints).toEqual([]);
  });

  it("opens an order's story from the ticker and by its number, and closes by Escape", async () => {
    const page = await open();
    await page.locator('button.event').first().click();
    await page.locator('#story[open] .timeline').waitFor();
    const story = await text(page, '#story');
    expect(story).toMatch(/Order 1\d{4}/);
    expect(story).toMatch(/Mizuno Wave Prophecy/);
    expect(story).toMatch(/Shipped[\s\S]*Delivered[\s\S]*due in/);
    expect(story).toContain('M••••• S•••••');
    await page.keyboard.press('Escape');
    await page.locator('#story').waitFor({ state: 'hidden' });
    await page.locator('#find-id').fill('99999999');
    await page.keyboard.press('Enter');
    await page.locator('#story[open]').getByText('There is no order 99999999').waitFor();
  });

  it('says plainly what is wrong: a slot over its cap, a lost database, being behind, and no daemon at all', async () => {
    const page = await open();
    running.source.slotTrouble = true;
    await page.locator('#state[data-state="paused"]').waitFor();
    expect(await text(page, '#banners')).toContain('pg_drop_replication_slot');
    running.source.slotTrouble = false;
    running.source.behind = true;
    await page.locator('#state[data-state="behind"]').waitFor();
    running.source.behind = false;
    running.source.database = 'lost';
    await page.locator('#state[data-state="lost"]').waitFor();
    await running.server.stop();
    await page.locator('#state[data-state="offline"]').waitFor();
    expect(await text(page, '#banners')).toContain('tries again by itself');
  });

  it('speaks Portuguese to who does, and either language at a click', async () => {
    const page = await open({ locale: 'pt-BR' });
    expect(await text(page, '#rate-title')).toBe('Pedidos por minuto');
    expect(await page.locator('html').getAttribute('lang')).toBe('pt-BR');
    await page.locator('#language').click();
    expect(await text(page, '#rate-title')).toBe('Orders a minute');
    await page.reload();
    await page.locator('#state[data-state="live"]').waitFor();
    expect(await text(page, '#rate-title')).toBe('Orders a minute');
  });

  it('is dark where the system is, and fits a phone without scrolling sideways', async () => {
    const page = await open({ colorScheme: 'dark', viewport: { width: 360, height: 740 } });
    const ground = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const dark = await ground();
    expect(Number(/\d+/.exec(dark)?.[0])).toBeLessThan(40);
    await page.locator('#ticker .event').nth(3).waitFor();
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(360);
    await page.locator('#theme').click();
    expect(await ground()).not.toBe(dark);
  });

  it('can be walked by keyboard alone: every control is reached, named and shows where the focus is', async () => {
    const page = await open();
    const reached = new Set<string>();
    for (let i = 0; i < 14; i++) {
      await page.keyboard.press('Tab');
      const focus = await page.evaluate<{ id: string; name: string; ring: string }>(FOCUS);
      expect(focus.name, focus.id).not.toBe('');
      expect(focus.ring, focus.id).not.toBe('none');
      reached.add(focus.id);
    }
    for (const id of ['skip', 'language', 'theme', 'rate-field', 'rate-set', 'rate-slider', 'pause']) {
      expect([...reached]).toContain(id);
    }
    await page.locator('#chart-table summary').focus();
    await page.keyboard.press('Enter');
    await page.locator('#chart-table tbody tr').first().waitFor();
  });

  it('keeps a bounded number of nodes and points, one connection, and none while nobody looks', async () => {
    const page = await open();
    for (let i = 0; i < 400; i++)
      running.source.announce('order.placed', { orderId: i + 1, total: '1.00' }, 'x');
    await until('one viewer', async () => (await viewers()) === 1);
    for (let round = 0; round < 8; round++) {
      for (let i = 0; i < 100; i++) running.source.announce('order.shipped', { orderId: i + 1 }, 'x');
      await new Promise((resolve) => setTimeout(resolve, 260));
    }
    expect(await page.locator('#ticker li').count()).toBeLessThanOrEqual(60);
    expect(await viewers()).toBe(1);
    await page.close();
    await until('nobody', async () => (await viewers()) === 0);
  });

  async function viewers(): Promise<number> {
    const answer = (await (await fetch(`${running.base}/api/status`)).json()) as { viewers: number };
    return answer.viewers;
  }
});

describe('with a token', () => {
  it('takes it from the link and out of the address; without one it asks, and remembers', async () => {
    await running.server.stop();
    running = await startPage({ host: '0.0.0.0', frameMs: 250 });
    const link = new URL(running.server.link);
    const page = await open({}, `/${link.search}`);
    expect(page.url()).not.toContain('token');
    await page.locator('#pause').click();
    await page.locator('#state[data-state="paused"]').waitFor();
    await context?.close();

    const other = await open();
    await other.locator('#pause').click();
    await other.locator('#token[open]').waitFor();
    await other.locator('#token-field').fill('wrong-token');
    await other.keyboard.press('Enter');
    await until('asked again', async () => (await other.locator('#token-field').inputValue()) === '');
    await other.locator('#token-field').fill(link.searchParams.get('token') ?? '');
    await other.keyboard.press('Enter');
    await other.locator('#state[data-state="live"]').waitFor();
    expect(running.source.changes).toEqual([{ paused: true }, { paused: false }]);
    await other.reload();
    await other.locator('#pause').click();
    await other.locator('#state[data-state="paused"]').waitFor();
    await other.locator('#token').waitFor({ state: 'hidden' });
  });
});
