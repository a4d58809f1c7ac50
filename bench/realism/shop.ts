import type { CustomerRow, ShelfProduct, State } from '../../src/catalog/types.ts';
import { createRandom } from '../../src/lib/random.ts';
import type { CustomerFactory } from '../../src/orders/model/customers.ts';
import { WeightedChoice } from '../../src/orders/model/sampling.ts';
import { popularityKey } from '../../src/orders/model/shelf.ts';
import olist from './olist.json' with { type: 'json' };
import { normalCdf } from './statistics.ts';
export function shopFactory(seed: string): CustomerFactory {
  const random = createRandom(seed);
  const st = new WeightedChoice(
    Object.entries(olist.orders_by_state.counts).map(([s, n]) => [s as State, n] as const),
  );
  return {
    create(id: number, on: string): CustomerRow {
      return {
        id,
        nome: 'a',
        sobrenome: 'b',
        id_genero: random.chance(0.56) ? 2 : random.chance(0.97) ? 1 : 3,
        id_estadocivil: 1,
        email: `${id}`,
        cpf: '',
        telefone: '',
        endereco: 'R',
        bairro: 'b',
        cidade: 'c',
        estado: st.sample(random),
        cep: '1',
        data_cadastro: on,
        id_emailmarketing: random.chance(0.6) ? 1 : 2,
      };
    },
  };
}
export function shopProducts(n: number, seed: string): ShelfProduct[] {
  const r = createRandom(`${seed}/p`);
  const out: ShelfProduct[] = [];
  const names = Array.from({ length: Math.ceil(n / 16) }, (_, m) => `m${m}`);
  names.sort((a, b) => popularityKey(seed, a) - popularityKey(seed, b));
  const start = r.next();
  for (const [rank, model] of names.entries()) {
    const u = (start + rank * 0.6180339887498949) % 1;
    const z = probit(0.003 + 0.994 * u);
    for (let c = 0; c < 2; c++) {
      const price = Math.round(265 * Math.exp(0.45 * z + 0.12 * (r.next() - 0.5))) * 100 - 10;
      const male = r.next() < 0.5;
      for (let s = 0; s < 8; s++)
        out.push({
          id: out.length + 1,
          sku: `s${model}-${c}-${s}`,
          priceCents: price,
          stock: 1e9,
          size: (male ? 37 : 33) + s,
          brandId: 1,
          categoryId: 1,
          genderId: male ? 1 : 2,
          model,
          createdAtMs: 0,
        });
    }
  }
  return out;
}
function probit(p: number): number {
  let [lo, hi] = [-6, 6];
  for (let i = 0; i < 60; i++) {
    const m = (lo + hi) / 2;
    if (normalCdf(m) < p) lo = m;
    else hi = m;
  }
  return lo;
}
