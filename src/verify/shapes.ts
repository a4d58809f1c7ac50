import { KEY, type TableShape } from './dialect.ts';

/** The columns that both sides have, and what the target lacks, in words. */
export function commonShapes(
  declared: readonly TableShape[],
  there: ReadonlyMap<string, ReadonlySet<string>>,
): { shapes: TableShape[]; problems: string[] } {
  const shapes: TableShape[] = [];
  const problems: string[] = [];
  for (const shape of declared) {
    const columns = there.get(shape.name);
    if (columns === undefined) {
      problems.push(
        `table ${shape.name} is not at the target: add it to the pipeline, or leave it out with --tables`,
      );
      continue;
    }
    const lacking = shape.columns.filter(({ name }) => !columns.has(name)).map(({ name }) => name);
    if (lacking.includes(KEY)) {
      problems.push(`table ${shape.name} has no column ${KEY} at the target: it cannot be compared`);
      continue;
    }
    if (lacking.length > 0) {
      problems.push(
        `table ${shape.name} lacks ${lacking.join(', ')} at the target: add to it what the source has`,
      );
    }
    shapes.push({ name: shape.name, columns: shape.columns.filter(({ name }) => columns.has(name)) });
  }
  return { shapes, problems };
}

/** True when the shape is there with all of these columns. */
export function hasColumns(shape: TableShape | undefined, ...names: string[]): shape is TableShape {
  return shape !== undefined && names.every((name) => shape.columns.some((column) => column.name === name));
}
