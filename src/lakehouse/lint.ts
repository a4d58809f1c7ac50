import { lintRules, type StatementKind } from './lint-rules.ts';
import { lineOf, significant, tokenize } from './transform/lexer.ts';

export interface LintFinding {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  readonly reason: string;
}

/**
 * Finds what Databricks and the local engine would understand differently, in Databricks SQL. A comment
 * `-- lint: allow rule (reason)` lets a rule pass in its file; without a reason, or with nothing to allow, the comment
 * itself is a finding.
 */
export function lintSql(file: string, sql: string, kind: StatementKind): LintFinding[] {
  const all = tokenize(sql, file);
  const tokens = significant(all);
  const findings: LintFinding[] = [];
  const allowed = new Map<string, { line: number; reason: string; used: boolean }>();
  for (const token of all) {
    const directive =
      token.kind === 'comment' ? /^--\s*lint:\s*allow\s+([\w-]+)\s*(.*)$/.exec(token.text) : null;
    if (directive === null) continue;
    const [, rule = '', reason = ''] = directive;
    allowed.set(rule, { line: lineOf(sql, token.start), reason, used: false });
  }
  for (const rule of lintRules) {
    if (rule.only !== undefined && !rule.only.includes(kind)) continue;
    for (const token of rule.find(tokens, file)) {
      const permit = allowed.get(rule.name);
      if (permit === undefined) {
        findings.push({ file, line: lineOf(sql, token.start), rule: rule.name, reason: rule.reason });
      } else permit.used = true;
    }
  }
  for (const [rule, permit] of allowed) {
    const problem = !permit.used
      ? `nothing here breaks ${rule}: remove the comment`
      : /^\(.{10,}\)$/.test(permit.reason)
        ? null
        : 'say why, in brackets, after the name of the rule';
    if (problem !== null) findings.push({ file, line: permit.line, rule: 'lint-comment', reason: problem });
  }
  return findings.sort((a, b) => a.line - b.line);
}
