/** @param toTheRight of each column, whether it holds numbers */
export function table(
  names: readonly string[],
  rows: readonly (readonly string[])[],
  toTheRight: readonly boolean[] = [],
): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  const rule = names.map((_, i) => (toTheRight[i] ? "--:" : "---"));
  return [line(names), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}

function cell(content: string): string {
  return content.replaceAll("|", "\\|").replaceAll(/\s+/g, " ").trim();
}

/** So that Markdown takes it for the text that it is. */
export function plain(content: string): string {
  return content.replaceAll(/[\\`*_[\]]/g, "\\$&").replaceAll("<", "&lt;");
}

export function count(value: number): string {
  return value.toLocaleString("en");
}

/** To four digits. What JSON made of something that is no number is shown as none. */
export function number(value: number | null): string {
  return value !== null && Number.isFinite(value) ? value.toLocaleString("en", { maximumSignificantDigits: 4 }) : "–";
}
