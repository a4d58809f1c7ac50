import { type CustomerRow, type ShelfProduct, states } from '../../src/catalog/types.ts';
import { createRandom } from '../../src/lib/random.ts';
import type { CustomerMaker } from '../../src/orders/model/customers.ts';

/** People with nothing but what the model looks at: state, gender, address. */
export function plainFactory(seed = 'people'): CustomerMaker {
  const random = createRandom(seed);
  return {
    create(id: number, registeredOn: string): CustomerRow {
      return {
        id,
        nome: 'Ana',
        sobrenome: 'Souza',
        id_genero: random.int(1, 3),
        id_estadocivil: 1,
        email: `ana${id}@example.com`,
        cpf: String(id).padStart(11, '0'),
        telefone: '(11) 90000-0000',
        endereco: `Rua A, ${id}`,
        bairro: 'Centro',
        cidade: 'Cidade',
        estado: random.pick(states),
        cep: '01000-000',
        data_cadastro: registeredOn,
        id_emailmarketing: 1,
      };
    },
  };
}

/** A shelf of `models` models, each in eight sizes and two colours, men's, women's and unisex in turn. */
export function plainProducts(models = 12, stock = 1000): ShelfProduct[] {
  const products: ShelfProduct[] = [];
  for (let m = 0; m < models; m++) {
    for (let s = 0; s < 8; s++) {
      for (const colour of ['preto', 'branco']) {
        products.push({
          id: products.length + 1,
          sku: `M${m}-${colour}-${s}`,
          priceCents: 15_990 + m * 3000,
          stock,
          size: (m % 3 === 1 ? 33 : 36) + s,
          brandId: 1 + (m % 10),
          categoryId: 1 + (m % 6),
          genderId: 1 + (m % 3),
          model: `Modelo ${m}`,
          createdAtMs: Date.UTC(2026, 0, 1),
        });
      }
    }
  }
  return products;
}
