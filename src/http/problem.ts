import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';

/** Problem details (RFC 9457), with the fix that every message of this program ends with. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly fix?: string;
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

export function problem(status: number, detail: string, fix?: string): Problem {
  const title = STATUS_CODES[status] ?? 'Error';
  return { type: 'about:blank', title, status, detail, ...(fix === undefined ? {} : { fix }) };
}

export function sendProblem(reply: FastifyReply, status: number, detail: string, fix?: string): FastifyReply {
  return reply
    .code(status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problem(status, detail, fix)));
}
