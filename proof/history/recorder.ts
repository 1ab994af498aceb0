import { closeSync, openSync, writeSync } from "node:fs";
import type { Transport } from "@connectrpc/connect";
import { type CallLine, FORMAT_VERSION, type Line, type MarkLine } from "./format.ts";
import type { Ledger } from "./ledger.ts";
import { recordTransport, type WrapOptions } from "./transport.ts";

/**
 * Writes down every call that is made through the transports it wraps. One for each process; the files of all processes
 * of one host are one history.
 */
export interface Recorder extends Disposable {
  /**
   * Passes every call on, and writes down what it said and was told; over sessions too, for what is recorded is the call,
   * however it went. Handed on as it came, but for what `WrapOptions.signs` says.
   */
  wrap(transport: Transport, options: WrapOptions): Transport;
  /**
   * Does something to the servers, their database or its clock, and writes down from when to when; see MarkLine. Calls
   * that were open meanwhile are judged accordingly.
   */
  during<T>(mark: Pick<MarkLine, "mark" | "server" | "unswept">, act: () => Promise<T>): Promise<T>;
  /** How many lines there are so far. */
  readonly lines: number;
  /** What was done so far, and is over. */
  readonly marks: readonly MarkLine[];
  /** Writes what is still open as unknown, and everything out. The same as disposing of it; the end of the process is too. */
  close(): void;
}

export interface RecorderOptions {
  /** The file, which is made anew. */
  readonly path: string;
  /**
   * Every call is written before it is sent too, so that a process that is killed leaves what it had under way. A write
   * for each call; a process that nobody kills does without.
   */
  readonly journal?: boolean;
}

const BUFFER_CHARACTERS_MAX = 64 * 1024;

export function createRecorder({ path, journal = false }: RecorderOptions): Recorder {
  const file = openSync(path, "w");
  const open = new Map<number, () => void>();
  const marks: MarkLine[] = [];
  let buffered: string[] = [];
  let characters = 0;
  let lines = 0;
  let calls = 0;
  let isClosed = false;

  const flush = () => {
    writeWhole(file, buffered.join(""));
    buffered = [];
    characters = 0;
  };
  const write = (line: Line) => {
    const text = `${JSON.stringify(line)}\n`;
    buffered.push(text);
    characters += text.length;
    lines++;
    if (journal || characters >= BUFFER_CHARACTERS_MAX) flush();
  };

  const ledger: Ledger = {
    nowNs,
    begin(call) {
      if (isClosed) throw new Error("the recorder is closed, and would not know of this call");
      const number = ++calls;
      const begun = {
        ...{ v: FORMAT_VERSION, ...call, process: process.pid, call_ns: nowNs() },
        ...(journal && { id: `${process.pid} ${number}` }),
      };
      const abandon = () => {
        const output = { kind: "unknown" as const, code: "OPEN", gave_up_ns: nowNs() };
        write({ ...begun, return_ns: null, output } satisfies CallLine);
      };
      if (journal) abandon();
      open.set(number, abandon);
      return (answered) => {
        if (!open.delete(number)) return;
        write({ ...begun, ...answered, return_ns: answered.output.kind === "unknown" ? null : nowNs() });
      };
    },
  };

  const close = () => {
    if (isClosed) return;
    isClosed = true;
    for (const abandon of open.values()) abandon();
    open.clear();
    flush();
    closeSync(file);
    process.off("exit", close);
  };
  process.on("exit", close);

  return {
    wrap: (transport, options) => recordTransport(ledger, transport, options),
    async during(mark, act) {
      const from_ns = nowNs();
      try {
        return await act();
      } finally {
        const line: MarkLine = { v: FORMAT_VERSION, ...mark, from_ns, to_ns: nowNs() };
        marks.push(line);
        write(line);
      }
    },
    get lines() {
      return lines;
    },
    marks,
    close,
    [Symbol.dispose]: close,
  };
}

/** Exact for the first hundred days of a host; two instants that round to one are taken for concurrent. */
export function nowNs(): number {
  return Number(process.hrtime.bigint());
}

function writeWhole(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; ) from += writeSync(file, bytes, from);
}
