/** Between two columns. */
const GAP = "  ";

/** Columns under their heads, as wide as their widest cell; lines end at `widthMax`. Every line ends with a line break. */
export function tableText(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  widthMax = Number.POSITIVE_INFINITY,
): string {
  const lines = [heads, ...rows].map((cells) => heads.map((_, column) => printable(cells[column] ?? "")));
  const widths = heads.map((_, column) => lines.reduce((widest, cells) => Math.max(widest, widthOf(cells[column])), 0));
  return lines
    .map((cells) => cells.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - widthOf(cell))).join(GAP))
    .map((line) => `${cut(line.trimEnd(), widthMax)}\n`)
    .join("");
}

/** What scripts read of every command: one document, for people too who look at it. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
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
