/** Between two columns. */
const GAP = "  ";

/** A table that is written as its rows come, so that one of any length needs no memory. */
export interface TableWriter {
  /** The lines of some rows, after the heads the first time. Every line ends with a line break. */
  lines(rows: readonly (readonly string[])[]): string;
}

/** Columns are as wide as their widest cell so far; lines end at `widthMax`. */
export function createTableWriter(heads: readonly string[], widthMax: number): TableWriter {
  let widths: readonly number[] = heads.map(() => 0);
  let hasHeads = false;
  return {
    lines(rows) {
      const lines = [...(hasHeads ? [] : [heads]), ...rows].map((cells) =>
        heads.map((_, column) => printable(cells[column] ?? "")),
      );
      hasHeads = true;
      widths = widths.map((width, column) =>
        lines.reduce((widest, cells) => Math.max(widest, widthOf(cells[column])), width),
      );
      return lines
        .map((cells) => cells.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - widthOf(cell))).join(GAP))
        .map((line) => `${cut(line.trimEnd(), widthMax)}\n`)
        .join("");
    },
  };
}

/** A whole table: columns under their heads, as wide as their widest cell. */
export function tableText(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  widthMax = Number.POSITIVE_INFINITY,
): string {
  return createTableWriter(heads, widthMax).lines(rows);
}

/** What scripts read of every command: one document, for people too who look at it. */
export function jsonText(value: unknown): string {
  return `${harmless(JSON.stringify(value, null, 2))}\n`;
}

/** One document of many: one line. */
export function jsonLine(value: unknown): string {
  return `${harmless(JSON.stringify(value))}\n`;
}

/** What `printable` takes away from texts, JSON can write otherwise, and so nothing is lost. */
function harmless(json: string): string {
  // Line breaks are JSON's own here: those of texts are written as \n already.
  return json.replace(/[\p{Cf}\p{Zl}\p{Zp}]|(?!\n)\p{Cc}/gu, (found) =>
    Array.from({ length: found.length }, (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, "0")}`).join(
      "",
    ),
  );
}

/** What others have written must not move the cursor, colour the screen or turn the direction of writing. */
export function printable(text: string): string {
  return text.toWellFormed().replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u{fffd}");
}

function cut(line: string, widthMax: number): string {
  const points = [...line];
  return points.length <= widthMax ? line : `${points.slice(0, Math.max(0, widthMax - 1)).join("")}…`;
}

/** In code points; wide letters of East Asia count as one, and their rows are out of line. */
function widthOf(cell = ""): number {
  return [...cell].length;
}
