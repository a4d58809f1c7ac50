import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../src/lib/logger.ts';

describe('the log', () => {
  it('leaves out what PostgreSQL quotes of a refused row, and keeps what helps', () => {
    const lines: string[] = [];
    const logger = createLogger({
      level: 'info',
      format: 'json',
      destination: { write: (line: string) => void lines.push(line) },
    });
    const error = Object.assign(
      new Error('duplicate key value violates unique constraint "clientes_cpf_key"'),
      {
        code: '23505',
        detail: 'Key (cpf)=(529.982.247-25) already exists.',
        where: 'COPY clientes, line 1: "1 Maria Silva maria@example.com"',
      },
    );
    logger.error({ err: error }, 'could not place an order');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('clientes_cpf_key');
    expect(lines[0]).toContain('23505');
    expect(lines[0]).not.toContain('529.982');
    expect(lines[0]).not.toContain('maria@example.com');
  });
});
