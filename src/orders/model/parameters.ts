import { demandParameters } from './parameters/demand.ts';
import {
  approvalParameters,
  cancellationParameters,
  promiseParameters,
  returnParameters,
  transportParameters,
  unpaidParameters,
} from './parameters/life.ts';
import {
  discountParameters,
  freightParameters,
  instalmentParameters,
  paymentParameters,
} from './parameters/money.ts';
import {
  basketParameters,
  channelParameters,
  customerParameters,
  shelfParameters,
} from './parameters/shop.ts';

/**
 * Everything that the model assumes, as data with its source beside it. Handed to the model as a whole, so that a test
 * can move one figure and see the measurements fail.
 */
export const modelParameters = {
  demand: demandParameters,
  shelf: shelfParameters,
  basket: basketParameters,
  customers: customerParameters,
  channels: channelParameters,
  payment: paymentParameters,
  instalments: instalmentParameters,
  freight: freightParameters,
  discounts: discountParameters,
  approval: approvalParameters,
  unpaid: unpaidParameters,
  cancellation: cancellationParameters,
  transport: transportParameters,
  promise: promiseParameters,
  returns: returnParameters,
};
export type ModelParameters = typeof modelParameters;
