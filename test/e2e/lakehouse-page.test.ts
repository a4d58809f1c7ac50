import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DashboardData, WidgetData } from '../../src/lakehouse/dashboard-data.ts';
import { launchBrowser } from '../support/browser.ts';
import { startPage } from '../support/http.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

const field = (name: string, currency = false) => ({ name, label: name.toUpperCase(), currency });
const widget = (kind: string, rows: WidgetData['rows'], rest: Partial<WidgetData>): WidgetData => ({
  name: kind,
  kind,
  title: `Título ${kind}`,
  description: null,
  position: { x: 0, y: 0, width: 6, height: 4 },
  roles: {},
  columns: [],
  rows,
  ...rest,
});

/** One widget of each kind; `revenue` is what moves. */
function dashboards(revenue: number): DashboardData[] {
  const days = [1, 2, 3].map((n) => ({ dia: `2025-10-0${n}`, receita: revenue * n }));
  return [
    {
      name: 'executive',
      title: 'Visão executiva',
      widgets: [
        widget('counter', [{ receita: revenue, antes: 1000 }], {
          roles: { value: field('receita', true), target: field('antes', true) },
        }),
        widget('line', days, { roles: { x: field('dia'), y: field('receita', true) } }),
      ],
    },
    {
      name: 'sales',
      title: 'Vendas',
      widgets: [
        widget(
          'bar',
          [
            { canal: 'PIX', receita: 30, mes: '2025-10-01' },
            { canal: 'PIX', receita: 10, mes: '2025-11-01' },
            { canal: 'Boleto', receita: 20, mes: '2025-10-01' },
          ],
          { roles: { x: field('canal'), y: field('receita'), color: field('mes') } },
        ),
        widget('heatmap', [{ m: 0, coorte: '2025-10', taxa: 41.5 }], {
          roles: { x: field('m'), y: field('coorte'), color: field('taxa') },
        }),
        widget('table', [{ sku: 'A-1', receita: 1234.5 }], { columns: [field('sku'), field('receita')] }),
      ],
    },
  ];
}

async function shown(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor({ timeout: 60_000 });
}

test('the dashboards show live figures, in both languages, and say when no lakehouse runs', async () => {
  let published: unknown = null;
  const running = await startPage({ lakehouse: async () => published });
  const context = await browser.newContext({ locale: 'en-GB' });
  const complaints: string[] = [];
  try {
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('404')) complaints.push(message.text());
    });
    await page.goto(`${running.base}/lakehouse.html`);
    await shown(page, '#main', 'npm run lakehouse');

    const publish = (revenue: number) => {
      const checks = [{ file: 'a.sql', rows: revenue > 2000 ? 3 : 0, example: null }];
      const refreshedAtMs = Date.now();
      published = {
        refreshedAtMs,
        refreshMs: 900,
        dataAsOf: null,
        tables: [],
        checks,
        dashboards: dashboards(revenue),
      };
    };
    publish(1500);
    await shown(page, '.counter', /R\$\s?1,500/);
    await shown(page, '.counter', '+50%');
    await page.locator('.plot canvas').waitFor();
    await shown(page, '#foot', 'checks are healthy');
    publish(2500);
    await shown(page, '.counter', /R\$\s?2,500/);
    await shown(page, '#foot', 'Checks that found something: a');

    await page.getByRole('link', { name: 'Vendas' }).click();
    await page.locator('main[data-dashboard="sales"]').waitFor();
    expect(await page.locator('.rows .amount').allInnerTexts()).toEqual(['40', '20']);
    // the parts of the longest bar fill it
    const parts = await page.evaluate<string[]>(
      `[...document.querySelector('.rows .track').children].map((part) => part.style.width)`,
    );
    expect(parts).toEqual(['75%', '25%']);
    expect(await page.locator('.matrix td').innerText()).toBe('41.5');
    expect(await page.locator('.list td').allInnerTexts()).toEqual(['A-1', '1,234.50']);

    await page.locator('#language').click();
    await shown(page, '.subtitle', 'fluxo ao vivo');
    expect(await page.locator('.list td').allInnerTexts()).toEqual(['A-1', '1.234,50']);
    expect(complaints).toEqual([]);
  } finally {
    await context.close();
    await running.server.stop();
  }
});
