import { keyChange, keyReuse, massDelete, shortLives } from './keys.ts';
import type { Scenario } from './scenario.ts';
import { newColumn, orderBurst } from './shop.ts';
import { largeTransaction, lateCommit, rollback } from './transactions.ts';
import { edgeValues, hostileText, hotRow, largeValues } from './values.ts';

/** All of them, in the order in which `all` plays them: what changes a table's shape comes last. */
export const scenarios: readonly Scenario[] = [
  orderBurst,
  largeTransaction,
  rollback,
  lateCommit,
  hotRow,
  shortLives,
  keyReuse,
  keyChange,
  massDelete,
  largeValues,
  hostileText,
  edgeValues,
  newColumn,
];
