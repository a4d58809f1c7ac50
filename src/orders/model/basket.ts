import type { ShelfProduct } from '../../catalog/types.ts';
import type { Random } from '../../lib/random.ts';
import type { PlannedItem } from '../types.ts';
import type { ModelParameters } from './parameters.ts';
import { choiceOf, hashUnit } from './sampling.ts';
import type { Audience, Shelf } from './shelf.ts';

/** The one who buys, as far as the basket depends on it. */
export interface Shopper {
  readonly id: number;
  /** `generocliente`: 1 Masculino, 2 Feminino, 3 Outro. */
  readonly genderId: number;
}

export interface Basket {
  readonly items: readonly PlannedItem[];
  readonly units: number;
  readonly subtotalCents: number;
  /** Bought for somebody else. */
  readonly gift: boolean;
}

/** Which shoes somebody wears: the same at every purchase. */
export function ownAudience({ id, genderId }: Shopper): Audience {
  if (genderId === 1) return 'men';
  if (genderId === 2) return 'women';
  return hashUnit(`audience/${id}`) < 0.5 ? 'men' : 'women';
}

/** Fills baskets from the shelf, and takes what is sold off the shelf's view of the stock. */
export class BasketMaker {
  readonly #shelf: Shelf;
  readonly #random: Random;
  readonly #parameters: ModelParameters;
  readonly #units: ReturnType<typeof choiceOf>;

  constructor(shelf: Shelf, random: Random, parameters: ModelParameters) {
    this.#shelf = shelf;
    this.#random = random;
    this.#parameters = parameters;
    this.#units = choiceOf(parameters.basket.units);
  }

  /** Null when nothing on the shelf can be sold. */
  fill(shopper: Shopper, atMs: number): Basket | null {
    const random = this.#random;
    const { giftShare, giftForMan } = this.#parameters.shelf;
    const gift = random.chance(giftShare);
    const audience = gift ? (random.chance(giftForMan) ? 'men' : 'women') : ownAudience(shopper);
    // people know their own size; of a gift it is anybody's
    const size = this.#shelf.sizeAt(audience, gift ? random.next() : hashUnit(`size/${shopper.id}`));
    const lines = new Map<number, { product: ShelfProduct; quantity: number }>();
    let units = 0;
    for (let wanted = this.#units.sample(random); wanted > 0; wanted--) {
      const product = this.#choose(lines, audience, size, atMs);
      if (!product) break;
      const line = lines.get(product.id);
      if (line) line.quantity += 1;
      else lines.set(product.id, { product, quantity: 1 });
      this.#shelf.sold(product.id, 1);
      units += 1;
    }
    if (units === 0) return null;
    const items: PlannedItem[] = [];
    let subtotalCents = 0;
    for (const { product, quantity } of lines.values()) {
      items.push({ productId: product.id, quantity, unitPriceCents: product.priceCents });
      subtotalCents += quantity * product.priceCents;
    }
    return { items, units, subtotalCents, gift };
  }

  #choose(
    lines: ReadonlyMap<number, { readonly product: ShelfProduct }>,
    audience: Audience,
    size: number,
    atMs: number,
  ): ShelfProduct | undefined {
    const random = this.#random;
    const last = [...lines.values()].at(-1)?.product;
    if (last && random.chance(this.#parameters.basket.sameProduct) && this.#shelf.left(last.id) > 0)
      return last;
    const other: Audience = audience === 'men' ? 'women' : 'men';
    return (
      this.#shelf.pick(audience, size, atMs, random) ??
      this.#shelf.pick(other, this.#shelf.sizeAt(other, random.next()), atMs, random)
    );
  }
}
