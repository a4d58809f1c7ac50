import type { CustomerFactory } from '../catalog/customers.ts';
import { createLaunch } from '../catalog/products.ts';
import { claimJob } from '../db/jobs.ts';
import type { Db } from '../db/pool.ts';
import type { Announcer } from '../lib/announcer.ts';
import type { DatabaseClock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import { DAY_MS, dateText, localDay } from '../orders/model/calendar.ts';
import { firstPurchaseAtMs } from '../orders/model/customers.ts';
import { decideAssortment, decideRestock } from './business/assortment.ts';
import {
  decideCivilStatus,
  decideConsent,
  decidePeopleEvents,
  decideProfileChange,
} from './business/people.ts';
import { modelsToReprice, repriceModel } from './business/prices.ts';
import {
  type BookedProduct,
  changeProfile,
  discontinueProducts,
  eraseCustomer,
  highestCustomerId,
  launchProducts,
  readBook,
  readCustomers,
  registerCustomers,
  repriceProducts,
  restockProducts,
} from './business-store.ts';
import type { IdStock } from './feed.ts';

export interface BusinessOptions {
  readonly db: Db;
  readonly clock: DatabaseClock;
  readonly announcer: Announcer;
  readonly random: Random;
  readonly factory: CustomerFactory;
  readonly ids: IdStock;
  readonly lifecycleSpeed: number;
  /** Orders that this worker has placed so far. */
  readonly ordersPlaced: () => number;
  /** Products that the shop opened with: the size that the assortment keeps. */
  readonly openingProducts: number;
  /** Prices, stock or products changed: the order model should look. */
  readonly onAssortmentChanged: () => Promise<void>;
}

/** One worker of all looks after the shelves in each of these. */
export const SHELVES_EVERY_MS = 10_000;
const PRICES_EVERY_MS = 15_000;
const ASSORTMENT_EVERY_MS = 60_000;

/** What a shop does besides orders: registrations, changes of address, erasures, restocking, prices, new models. */
export class Business {
  readonly #options: BusinessOptions;
  readonly #people: Random;
  readonly #shelves: Random;
  #ordersSeen = 0;
  /** Units sold by product at the last look, and when that was (monotonic ms). */
  #sold: { readonly atMs: number; readonly byProduct: ReadonlyMap<number, number> } | undefined;
  #lastPricesMs: number;
  #lastAssortmentMs: number;

  constructor(options: BusinessOptions) {
    this.#options = options;
    this.#people = options.random.stream('people');
    this.#shelves = options.random.stream('shelves');
    this.#lastPricesMs = options.clock.monotonicMs();
    this.#lastAssortmentMs = this.#lastPricesMs;
  }

  /** Everything that is to be done now; called every few seconds while traffic flows. */
  async run(): Promise<void> {
    await this.#tendPeople();
    if (await claimJob(this.#options.db, 'shelves', SHELVES_EVERY_MS)) await this.#tendShelves();
  }

  async #tendPeople(): Promise<void> {
    const { ordersPlaced } = this.#options;
    const orders = ordersPlaced() - this.#ordersSeen;
    this.#ordersSeen += orders;
    const events = decidePeopleEvents(orders, this.#people);
    await this.#register(events.registrations);
    const highest = await this.#highest(events.profileChanges + events.consentChanges + events.erasures);
    await this.#changeProfiles(events.profileChanges, highest);
    await this.#changeConsents(events.consentChanges, highest);
    await this.#erase(events.erasures, highest);
  }

  async #highest(needed: number): Promise<number> {
    return needed === 0 ? 0 : highestCustomerId(this.#options.db);
  }

  async #register(count: number): Promise<void> {
    const { db, clock, factory, ids, announcer } = this.#options;
    const nowMs = clock.nowMs();
    const registeredOn = dateText(localDay(nowMs));
    const registrations = [];
    for (let i = 0; i < count; i++) {
      const id = ids.take();
      if (id === undefined) break;
      registrations.push({
        row: factory.create(id, registeredOn),
        firstPurchaseAtMs: firstPurchaseAtMs(nowMs, this.#people),
      });
    }
    await registerCustomers(db, registrations);
    for (const { row } of registrations) {
      announcer.info(
        'customer.registered',
        { customerId: row.id, estado: row.estado, cidade: row.cidade },
        `customer ${row.id} registered in ${row.cidade}/${row.estado}, looking around`,
      );
    }
  }

  /** Up to `count` customers by chance; those who are gone or forgotten are left out. */
  async #someCustomers(count: number, highest: number) {
    if (count === 0 || highest === 0) return [];
    const ids = new Set(Array.from({ length: count }, () => this.#people.int(1, highest)));
    const rows = await readCustomers(this.#options.db, [...ids]);
    return rows.filter((row) => !row.email.endsWith('.invalid'));
  }

  async #changeProfiles(count: number, highest: number): Promise<void> {
    const { db, factory, announcer } = this.#options;
    for (const row of await this.#someCustomers(count, highest)) {
      const what = decideProfileChange(this.#people);
      const change =
        what.kind === 'address'
          ? factory.move(row, what.moves)
          : what.kind === 'telephone'
            ? { telefone: factory.telephone(row) }
            : what.kind === 'email'
              ? { email: factory.email(row) }
              : { id_estadocivil: decideCivilStatus(row.id_estadocivil, this.#people) };
      if (await changeProfile(db, row.id, change)) {
        announcer.info(
          'customer.updated',
          { customerId: row.id, what: what.kind },
          `customer ${row.id} has a new ${what.kind === 'civilStatus' ? 'marital status' : what.kind}`,
        );
      }
    }
  }

  async #changeConsents(count: number, highest: number): Promise<void> {
    const { db, announcer } = this.#options;
    for (const row of await this.#someCustomers(count, highest)) {
      const consent = decideConsent(row.id_emailmarketing, this.#people);
      if (consent === row.id_emailmarketing) continue;
      if (await changeProfile(db, row.id, { id_emailmarketing: consent })) {
        announcer.info(
          'customer.updated',
          { customerId: row.id, what: 'consent' },
          `customer ${row.id} ${consent === 1 ? 'wants' : 'no longer wants'} marketing mail`,
        );
      }
    }
  }

  async #erase(count: number, highest: number): Promise<void> {
    const { db, factory, announcer } = this.#options;
    for (const row of await this.#someCustomers(count, highest)) {
      const outcome = await eraseCustomer(
        db,
        row.id,
        factory.erased(row.id, row.estado, row.data_cadastro),
        'Removido',
      );
      if (outcome === 'anonymised' || outcome === 'deleted') {
        announcer.info(
          'customer.erased',
          { customerId: row.id, outcome },
          `customer ${row.id} asked to be forgotten: ${outcome}`,
        );
      }
    }
  }

  async #tendShelves(): Promise<void> {
    const { db, clock, onAssortmentChanged } = this.#options;
    const book = await readBook(db);
    const nowMs = clock.monotonicMs();
    let changed = await this.#restock(book, nowMs);
    if (nowMs - this.#lastPricesMs >= PRICES_EVERY_MS) {
      changed = (await this.#reprice(book, nowMs - this.#lastPricesMs)) || changed;
      this.#lastPricesMs = nowMs;
    }
    if (nowMs - this.#lastAssortmentMs >= ASSORTMENT_EVERY_MS) {
      changed = (await this.#renew(book, nowMs - this.#lastAssortmentMs)) || changed;
      this.#lastAssortmentMs = nowMs;
    }
    if (changed) await onAssortmentChanged();
  }

  async #restock(book: readonly BookedProduct[], nowMs: number): Promise<boolean> {
    const { db, announcer } = this.#options;
    const before = this.#sold;
    this.#sold = { atMs: nowMs, byProduct: new Map(book.map((product) => [product.id, product.sold])) };
    // several workers take turns: what was sold since this one's last turn is scaled to one turn
    const turns = before === undefined ? 1 : Math.max(1, (nowMs - before.atMs) / SHELVES_EVERY_MS);
    const decisions = decideRestock(
      book.map((product) => ({
        id: product.id,
        stock: product.stock,
        unitsSold: Math.max(0, product.sold - (before?.byProduct.get(product.id) ?? product.sold)) / turns,
        discontinued: product.discontinued,
      })),
      this.#shelves,
    );
    if (decisions.length === 0) return false;
    await restockProducts(
      db,
      decisions.map(({ id, quantity }) => ({ productId: id, quantity })),
    );
    const units = decisions.reduce((sum, { quantity }) => sum + quantity, 0);
    announcer.info(
      'product.restocked',
      { products: decisions.length, units },
      `${decisions.length} product${decisions.length === 1 ? '' : 's'} restocked with ${units} units`,
    );
    return true;
  }

  async #reprice(book: readonly BookedProduct[], elapsedMs: number): Promise<boolean> {
    const { db, clock, announcer } = this.#options;
    // what is sold out for good needs no new price
    const priced = book.filter((product) => !product.discontinued || product.stock > 0);
    const byModel = Map.groupBy(priced, (product) => product.model);
    const atMs = clock.nowMs();
    let changed = false;
    for (const model of modelsToReprice(
      [...byModel.keys()],
      this.#businessDays(elapsedMs),
      atMs,
      this.#shelves,
    )) {
      const changes = repriceModel(byModel.get(model) ?? [], atMs, this.#shelves);
      if (
        (await repriceProducts(
          db,
          changes.map(({ id, priceCents }) => ({ productId: id, priceCents })),
        )) === 0
      )
        continue;
      changed = true;
      announcer.info(
        'product.repriced',
        { model, products: changes.length },
        `${model} has new prices (${changes.length} products)`,
      );
    }
    return changed;
  }

  async #renew(book: readonly BookedProduct[], elapsedMs: number): Promise<boolean> {
    const { db, clock, announcer, openingProducts, lifecycleSpeed } = this.#options;
    const onSale = book.filter((product) => !product.discontinued);
    const models = [...Map.groupBy(onSale, (product) => product.model)].map(([model, products]) => ({
      model,
      createdAtMs: Math.min(...products.map((product) => product.createdAtMs)),
      unitsSold: products.reduce((sum, product) => sum + product.sold, 0),
    }));
    const openingModels = new Set(
      book.filter((product) => product.id <= openingProducts).map((product) => product.model),
    ).size;
    const decision = decideAssortment(
      { models, openingModels, businessDays: this.#businessDays(elapsedMs), lifecycleSpeed },
      clock.nowMs(),
      this.#shelves,
    );
    for (let i = 0; i < decision.launch; i++) {
      const products = createLaunch({ random: this.#shelves, number: (book.at(-1)?.id ?? 0) + i + 1 });
      const ids = await launchProducts(db, products);
      const model = products[0]?.modelo ?? '';
      announcer.info(
        'product.launched',
        { model, products: ids.length },
        `${model} is new in the shop (${ids.length} products)`,
      );
    }
    for (const model of decision.discontinue) {
      const ids = onSale.filter((product) => product.model === model).map((product) => product.id);
      await discontinueProducts(db, ids);
      announcer.info(
        'product.discontinued',
        { model, products: ids.length },
        `${model} is sold off and will not be restocked`,
      );
    }
    return decision.launch > 0;
  }

  /** A stretch of the wall clock in days of business. */
  #businessDays(elapsedMs: number): number {
    return (elapsedMs / DAY_MS) * this.#options.lifecycleSpeed;
  }
}
