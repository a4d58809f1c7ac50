import { measureConsistency } from './measure-consistency.ts';
import { measureDemand } from './measure-demand.ts';
import { measureLife } from './measure-life.ts';
import { measureMoney } from './measure-money.ts';
import { measurePeople } from './measure-people.ts';
import type { Sample } from './sample.ts';
import type { Row } from './targets.ts';

/** Every row of the report, from orders with today's payment mix. Pure. */
export function measure(sample: Sample): Row[] {
  return [
    ...measureDemand(sample),
    ...measureMoney(sample),
    ...measureLife(sample),
    ...measurePeople(sample),
    ...measureConsistency(sample),
  ];
}
