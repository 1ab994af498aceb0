/** Help texts are as wide as a terminal that nobody has made wider. */
const HELP_WIDTH = 80;

/** Words are not broken, so a line may still be longer. */
export function wrapped(text: string, indent: string, width: number, hanging = indent): readonly string[] {
  const lines: string[] = [];
  let line = indent;
  let isFirst = true;
  for (const each of text.split(" ")) {
    if (!isFirst && line.length + 1 + each.length > width) {
      lines.push(line.trimEnd());
      line = `${hanging}${each}`;
    } else line += isFirst ? each : ` ${each}`;
    isFirst = false;
  }
  return [...lines, line];
}

/**
 * A help text with no line longer than 80. Sentences that were broken somewhere in the code are put together before; what
 * is in two columns stays so.
 */
export function helpPage(text: string): string {
  const lines: string[] = [];
  for (const line of text.split("\n")) {
    const before = lines.at(-1) ?? "";
    const goesOn = /^\S/.test(line) && /^\S.*[^.:]$/.test(before) && !before.startsWith("Usage:");
    if (goesOn) lines.splice(-1, 1, `${before} ${line}`);
    else lines.push(line);
  }
  return lines.flatMap(wrappedLine).join("\n");
}

function wrappedLine(line: string): readonly string[] {
  if (line.length <= HELP_WIDTH) return [line];
  const [, indent = "", column = ""] = /^( *)(\S+(?: \S+)* {2,})?/.exec(line) ?? [];
  const own = " ".repeat(indent.length + column.length);
  // The value of a flag stands no further left than what is said of it.
  const hanging = /^ +--/.test(line) ? `${own}    ` : own;
  return wrapped(line.slice(own.length), indent + column, HELP_WIDTH, hanging);
}
