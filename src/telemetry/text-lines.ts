import type { DestinationStream } from "pino";

/** Turns the JSON of the log into one line of text per event, for people at a terminal. */
export function textLines(write: (line: string) => void): DestinationStream {
  return { write: (json) => write(textLine(json)) };
}

function textLine(json: string): string {
  const { time, level, message, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${plain(value)}`);
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${plain(message)}${rest.join("")}\n`;
}

/** JSON leaves DEL, C1 controls and direction marks as they are; a terminal obeys them. */
function plain(value: unknown): string {
  const text = typeof value === "string" && !/["\\]/.test(value) ? value : JSON.stringify(value);
  return text.replace(/\p{C}|\p{Zl}|\p{Zp}/gu, (found) => `\\u{${found.codePointAt(0)?.toString(16)}}`);
}
