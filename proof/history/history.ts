import { closeSync, openSync, readSync } from "node:fs";
import { type CallLine, isCall, isUnknown, type MarkLine, parseLine } from "./format.ts";

/** Where a line is, to be named: "client-1.ndjson:17". */
export interface Placed extends CallLine {
  readonly place: string;
}

/**
 * All files of one history. Only where each line is stays in memory, so that a million of them fit into a part of what
 * they are; the calls of one key are read when it is their turn.
 */
export interface History extends Disposable {
  readonly calls: number;
  readonly marks: readonly MarkLine[];
  readonly times: readonly Reading[];
  /** The calls of each key, by the time at which they were made. */
  keys(): Generator<readonly Placed[]>;
}

/** An answer that told the database's clock. */
export interface Reading {
  readonly callNs: number;
  readonly returnNs: number;
  readonly us: number;
}

interface Spot {
  readonly file: number;
  readonly line: number;
  readonly from: number;
  readonly length: number;
}

const CHUNK_BYTES = 1 << 20;
const NEWLINE = 10;

/** @throws Error that names the file and the line at fault */
export function openHistory(paths: readonly string[]): History {
  const spots = new Map<string, Spot[]>();
  const journal = new Map<string, { readonly name: string; readonly at: number }>();
  const marks: MarkLine[] = [];
  const times: Reading[] = [];
  const files = paths.map((path) => ({ path, file: openSync(path, "r") }));
  let calls = 0;

  const note = (call: CallLine, spot: Spot) => {
    const { op, id, tenant, scope, key } = call;
    if (call.server_time_us !== undefined && call.return_ns !== null) {
      times.push({ callNs: call.call_ns, returnNs: call.return_ns, us: call.server_time_us });
    }
    const name = JSON.stringify([tenant, scope, key]);
    const own = spots.get(name) ?? [];
    spots.set(name, own);
    const before = id === undefined ? undefined : journal.get(id);
    if (before !== undefined) {
      own[before.at] = spot;
      journal.delete(id ?? "");
      return;
    }
    if (id !== undefined && isUnknown(call)) journal.set(id, { name, at: own.length });
    own.push(spot);
    if (op !== "wait_snapshot") calls++;
  };

  for (const [number, { path, file }] of files.entries()) {
    for (const { text, ...spot } of linesOf(file)) {
      const line = parsed(text, path, spot.line);
      if (line === null) continue;
      if (isCall(line)) note(line, { file: number, ...spot });
      else marks.push(line);
    }
  }

  const read = ({ file, line, from, length }: Spot): Placed => {
    const { path, file: opened } = files[file] as (typeof files)[number];
    const bytes = Buffer.allocUnsafe(length);
    readSync(opened, bytes, 0, length, from);
    return Object.assign(parseLine(bytes.toString()) as CallLine, { place: `${path}:${line}` });
  };
  return {
    calls,
    marks,
    times,
    *keys() {
      for (const own of spots.values()) yield own.map(read).sort((a, b) => a.call_ns - b.call_ns);
    },
    [Symbol.dispose]() {
      for (const { file } of files) closeSync(file);
    },
  };
}

/** Null: half a line, the last of a process that was killed. */
function parsed({ bytes, isWhole }: Text, path: string, line: number) {
  try {
    return parseLine(bytes.toString());
  } catch (error) {
    if (!isWhole) return null;
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${path}:${line} is no line of a history: ${why}`);
  }
}

interface Text {
  readonly bytes: Buffer;
  /** It has its end. */
  readonly isWhole: boolean;
}

/** Lines that are not blank. */
function* linesOf(file: number): Generator<Omit<Spot, "file"> & { readonly text: Text }> {
  let rest = Buffer.alloc(0);
  let at = 0;
  let line = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const length = readSync(file, chunk, 0, CHUNK_BYTES, at + rest.length);
    const bytes = Buffer.concat([rest, chunk.subarray(0, length)]);
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE, from); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      line++;
      if (end > from) {
        const text = { bytes: bytes.subarray(from, end), isWhole: true };
        yield { text, line, from: at + from, length: end - from };
      }
      from = end + 1;
    }
    rest = bytes.subarray(from);
    at += from;
    if (length > 0) continue;
    if (rest.length > 0) yield { text: { bytes: rest, isWhole: false }, line: line + 1, from: at, length: rest.length };
    return;
  }
}
