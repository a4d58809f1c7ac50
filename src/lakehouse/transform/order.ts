import { OperatorError } from '../../lib/errors.ts';
import type { Transformation } from './header.ts';

/**
 * Sorts transformations so that each comes after what it reads: by schema and name where the SQL leaves a choice.
 * Two files for one table, a cycle, and a table that is neither raw nor made by a file are errors that name the file.
 *
 * @param sources schemas whose tables come from elsewhere (default: raw)
 */
export function inDependencyOrder(
  transformations: readonly Transformation[],
  sources: readonly string[] = ['raw'],
): Transformation[] {
  const byName = new Map<string, Transformation>();
  for (const transformation of transformations) {
    const name = nameOf(transformation);
    const other = byName.get(name);
    if (other !== undefined) {
      throw new OperatorError(`${transformation.file} and ${other.file} both make ${name}`, {
        fix: 'delete one of them, or rename its view',
      });
    }
    byName.set(name, transformation);
  }
  const ordered: Transformation[] = [];
  const done = new Set<string>();
  const visit = (transformation: Transformation, path: readonly string[]): void => {
    const name = nameOf(transformation);
    if (done.has(name)) return;
    if (path.includes(name)) {
      const cycle = [...path.slice(path.indexOf(name)), name].join(' → ');
      throw new OperatorError(`${transformation.file} is part of a cycle: ${cycle}`, {
        fix: 'let one of them read from a layer below',
      });
    }
    for (const read of transformation.reads) {
      const dependency = byName.get(nameOf(read));
      if (dependency !== undefined) visit(dependency, [...path, name]);
      else if (!sources.includes(read.schema.toLowerCase())) {
        throw new OperatorError(`${transformation.file} reads ${nameOf(read)}, which no file makes`, {
          fix: `correct the name, or add transformations/${read.schema}/${read.table}.sql`,
        });
      }
    }
    done.add(name);
    ordered.push(transformation);
  };
  for (const name of [...byName.keys()].sort()) {
    const transformation = byName.get(name);
    if (transformation !== undefined) visit(transformation, []);
  }
  return ordered;
}

function nameOf(table: { readonly schema: string; readonly table: string }): string {
  return `${table.schema}.${table.table}`.toLowerCase();
}
