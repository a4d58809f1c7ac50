import { modelsByBrand } from './data/models.ts';

/** Where a model stands among all of the catalog by price. */
export interface PricePlace {
  /** 0 cheapest, counting up. */
  readonly index: number;
  /** Its quantile of the prices that are sold: a model for men and women counts twice. In (0, 1). */
  readonly quantile: number;
}

/** The catalog's models by name, from the cheapest to the dearest. */
export const priceOrder: ReadonlyMap<string, PricePlace> = (() => {
  const models = modelsByBrand.flatMap(([, , lines]) =>
    lines.map((line) => {
      const [name = '', , audiences = '', rank] = line.split('|');
      const publics = (/[MU]/.test(audiences) ? 1 : 0) + (/[FU]/.test(audiences) ? 1 : 0);
      return { name, rank: Number(rank), publics };
    }),
  );
  models.sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1));
  const total = models.reduce((sum, { publics }) => sum + publics, 0);
  let below = 0;
  return new Map(
    models.map(({ name, publics }, index) => {
      const quantile = (below + publics / 2) / total;
      below += publics;
      return [name, { index, quantile }] as const;
    }),
  );
})();
