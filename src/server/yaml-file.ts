import { open } from "node:fs/promises";
import { LineCounter, parseDocument } from "yaml";

/** What a file holds, as plain objects, lists and scalars; or everything that keeps it from being read. */
export type YamlReading =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "problems"; readonly problems: readonly string[] };

const FILE_BYTES_MAX = 4 * 1024 * 1024;

/** How often an alias may be followed: once or twice for each of ten thousand entries, but not aliases of aliases. */
const ALIASES_MAX = 20_000;

/** Values when every alias is followed. */
const VALUES_MAX = 2_000_000;

const PROBLEMS_MAX = 20;

/** YAML 1.2 or JSON, of one document and with keys that are text. */
export async function readYamlFile(path: string): Promise<YamlReading> {
  let text: string;
  try {
    text = await readTextFile(path, FILE_BYTES_MAX);
  } catch (error) {
    return { kind: "problems", problems: [fileProblem(error)] };
  }
  try {
    return parse(text);
  } catch (error) {
    // Aliases that lead too far, to nowhere or to themselves; a nesting that no stack holds.
    const reason = error instanceof RangeError ? "it is nested too deeply" : fileProblem(error);
    return { kind: "problems", problems: [reason] };
  }
}

function parse(text: string): YamlReading {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    logLevel: "error",
  });
  const wrong = [...document.errors, ...document.warnings];
  if (wrong.length > 0) {
    const problems = wrong.slice(0, PROBLEMS_MAX).map(({ message, pos: [at] }) => {
      const { line, col } = lines.linePos(at);
      return `line ${line}, column ${col}: ${message}`;
    });
    return { kind: "problems", problems };
  }
  const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
  if (countValues(value) > VALUES_MAX) return { kind: "problems", problems: ["its aliases lead to too many values"] };
  return { kind: "value", value };
}

/** Stops just above the limit. */
function countValues(value: unknown): number {
  const open = [value];
  let count = 0;
  while (open.length > 0 && count <= VALUES_MAX) {
    const next = open.pop();
    count++;
    if (typeof next !== "object" || next === null) continue;
    for (const part of Object.values(next)) if (open.length <= VALUES_MAX) open.push(part);
  }
  return count;
}

/** Also of what is no regular file: no size is believed. Throws what `fileProblem` has a sentence for. */
export async function readTextFile(path: string, bytesMax: number): Promise<string> {
  await using file = await open(path, "r");
  const bytes = Buffer.alloc(bytesMax + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length);
    length += bytesRead;
    if (length > bytesMax) throw new Error(`it is larger than ${bytesMax / 1024 / 1024} MiB`);
    if (bytesRead === 0) break;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length));
  } catch {
    throw new Error("it is not UTF-8");
  }
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "it may not be read",
  EISDIR: "it is a directory",
};

/** Without the path, which somebody may have confused with what belongs in the file. */
export function fileProblem(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!("syscall" in error && "code" in error)) return error.message;
  return SYSTEM_ERRORS[String(error.code)] ?? `it cannot be read (${error.code})`;
}
