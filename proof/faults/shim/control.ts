import { closeSync, openSync, readSync, writeSync } from "node:fs";

/** What of the volumes may be full: the log of Postgres, or the rest of its data directory. */
export type Volume = "wal" | "data";

/** The file through which a running program is steered. Its layout is that of `struct control` in shim.h. */
export interface Control extends Disposable {
  /** Every sync takes so much longer. */
  delaySyncs(ms: number): void;
  /** Of the volume that is full, files cannot grow; null: there is room everywhere. */
  fill(volume: Volume | null): void;
  /** By how much the wall clock is ahead of the machine's; the monotonic one is not touched. */
  shiftClock(ms: number): void;
  /** What was done to the program so far. */
  readonly done: { readonly syncsDelayed: number; readonly writesRefused: number };
}

const OFFSETS = { syncDelayMs: 0, full: 4, clockMs: 8, syncsDelayed: 16, writesRefused: 24 } as const;
const BYTES = 4096;
const BITS = { wal: 1, data: 2 } as const;

/** Makes the file. What is written to it is seen at once by whoever has it mapped. */
export function createControl(path: string): Control {
  const file = openSync(path, "wx+");
  const write = (bytes: NodeJS.ArrayBufferView, offset: number) => void writeSync(file, bytes, 0, null, offset);
  const count = (offset: number) => {
    const bytes = new BigInt64Array(1);
    readSync(file, bytes, 0, bytes.byteLength, offset);
    return Number(bytes[0]);
  };
  write(new Uint8Array(BYTES), 0);
  return {
    delaySyncs: (ms) => write(Int32Array.of(ms), OFFSETS.syncDelayMs),
    fill: (volume) => write(Int32Array.of(volume === null ? 0 : BITS[volume]), OFFSETS.full),
    shiftClock: (ms) => write(BigInt64Array.of(BigInt(ms)), OFFSETS.clockMs),
    get done() {
      return { syncsDelayed: count(OFFSETS.syncsDelayed), writesRefused: count(OFFSETS.writesRefused) };
    },
    [Symbol.dispose]: () => closeSync(file),
  };
}
