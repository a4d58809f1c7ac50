import { describe, expect, it } from 'vitest';
import { classify, codeOf } from '../../../src/db/sqlstate.ts';

const error = (message: string, code?: string) =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

describe('what a database error means', () => {
  it.each([
    ['a deadlock', error('deadlock detected', '40P01'), 'retry'],
    ['a serialization failure', error('could not serialize access', '40001'), 'retry'],
    ['a shutdown', error('terminating connection due to administrator command', '57P01'), 'lost'],
    ['a server that starts', error('the database system is starting up', '57P03'), 'lost'],
    [
      'a pause inside a transaction',
      error('terminating connection due to idle-in-transaction timeout', '25P03'),
      'lost',
    ],
    ['too many connections', error('sorry, too many clients already', '53300'), 'lost'],
    ['nobody listening', error('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED'), 'lost'],
    [
      'several addresses, none of them listening',
      new AggregateError([error('a', 'ECONNREFUSED'), error('b', 'ECONNREFUSED')]),
      'lost',
    ],
    ['a connection that broke, told in words alone', error('Connection terminated unexpectedly'), 'lost'],
    ['no answer in time', error('read timeout: no answer from the database for 30.0 s'), 'lost'],
    [
      'a database that takes no connections',
      error('database "shop" is not currently accepting connections', '55000'),
      'lost',
    ],
    ['a standby', error('cannot execute INSERT in a read-only transaction', '25006'), 'refused'],
    ['a full disk', error('could not extend file: No space left on device', '53100'), 'refused'],
    ['a missing privilege', error('permission denied for table pedidos', '42501'), 'bug'],
    ['a wrong password', error('password authentication failed', '28P01'), 'refused'],
    ['a CHECK that does not hold', error('violates check constraint', '23514'), 'bug'],
    ['a syntax error', error('syntax error at or near', '42601'), 'bug'],
    ['another use of the same class', error('sequence is not yet defined in this session', '55000'), 'bug'],
    ['something that is no error', 'a text', 'bug'],
  ])('%s', (_name, thrown, expected) => {
    expect(classify(thrown)).toBe(expected);
  });

  it('finds the code of the first error that has one', () => {
    expect(codeOf(new AggregateError([new Error('x'), error('y', 'EPIPE')]))).toBe('EPIPE');
    expect(codeOf(new Error('x'))).toBe('');
    expect(codeOf(null)).toBe('');
  });
});
