import { createCustomerFactory } from '../../src/catalog/customers.ts';
import { createProducts } from '../../src/catalog/products.ts';
import type { ShelfProduct } from '../../src/catalog/types.ts';
import type { Random } from '../../src/lib/random.ts';
import type { CustomerMaker } from '../../src/orders/model/customers.ts';

/** The people of the sample: the catalog's own. */
export function shopFactory(random: Random): CustomerMaker {
  return createCustomerFactory({ random });
}

/** The assortment of the sample, as the seeder puts it on the shelf. */
export function shopProducts(count: number, random: Random, createdAtMs: number): ShelfProduct[] {
  return createProducts({ random, count }).map((row, index) => ({
    id: index + 1,
    sku: row.sku,
    priceCents: row.precoCents,
    stock: row.estoque,
    size: row.tamanho,
    brandId: row.id_marca,
    categoryId: row.id_categoria,
    genderId: row.id_genero,
    model: row.modelo,
    createdAtMs,
  }));
}
