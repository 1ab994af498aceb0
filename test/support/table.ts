/**
 * Reads a table written as text, cells between bars, the first line being its head. A table that reads like the
 * contract's own can be ticked off against it row by row.
 */
export function rowsOf(text: string): readonly Readonly<Record<string, string>>[] {
  const [head, ...body] = text
    .trim()
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()));
  if (head === undefined) throw new Error("bug: a table without a head");
  return body.map((cells) => {
    if (cells.length !== head.length)
      throw new Error(`bug: ${cells.length} cells under ${head.length} heads: ${cells}`);
    return Object.fromEntries(head.map((name, i) => [name, cells[i] ?? ""]));
  });
}

export interface Cell {
  /** What the first column calls the row. */
  readonly row: string;
  readonly column: string;
  readonly expected: string;
}

/** Every cell but those of the first column. */
export function cellsOf(text: string): readonly Cell[] {
  return rowsOf(text).flatMap((row) => {
    const [first, ...others] = Object.entries(row);
    return others.map(([column, expected]) => ({ row: first?.[1] ?? "", column, expected }));
  });
}
