import { totalmem } from "node:os";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { WORKER_MEMORY_BYTES_MIN } from "../limits.ts";

export interface MemoryReading {
  /** What the process has of the machine's memory. */
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** Outside of the heap, and held by what is in it: bodies of calls, mostly. */
  readonly externalBytes: number;
  /** Where V8 gives up, and the process with it. */
  readonly heapLimitBytes: number;
}

export interface MemoryLimit {
  /** Infinity: none. */
  readonly residentBytes: number;
}

export function readProcessMemory(): MemoryReading {
  const heap = getHeapStatistics();
  return {
    residentBytes: process.memoryUsage.rss(),
    heapBytes: heap.used_heap_size,
    externalBytes: heap.external_memory,
    heapLimitBytes: heap.heap_size_limit,
  };
}

let gc: (() => void) | null = null;

/**
 * Garbage counts as in use until it is collected, and where nothing new is made nobody collects: 150 MB of it were still
 * there after minutes without work. Takes up to three
 * milliseconds for each megabyte in use.
 */
export function collectGarbage(): void {
  if (gc === null) {
    // Given to contexts that are made while the flag is set: no flag on the command line of whoever starts us.
    setFlagsFromString("--expose-gc");
    gc = runInNewContext("gc") as () => void;
    setFlagsFromString("--no-expose-gc");
  }
  gc();
}

/** Of what a container may have: room for the kernel's part of it, and for what is under way when the limit is reached. */
const CONTAINER_SHARE = 0.85;

/**
 * @param configured null: by the container; 0: off
 * @returns null: memory is not looked at
 */
export function memoryLimitOf(
  configured: number | null,
  machine = { constrainedBytes: process.constrainedMemory(), totalBytes: totalmem() },
): MemoryLimit | null {
  if (configured === 0) return null;
  if (configured !== null) return { residentBytes: configured };
  const { constrainedBytes, totalBytes } = machine;
  // Node says 0 when it does not know, and a number beyond all machines when there is no limit.
  const isConstrained = constrainedBytes > 0 && constrainedBytes < totalBytes;
  return { residentBytes: isConstrained ? Math.floor(constrainedBytes * CONTAINER_SHARE) : Number.POSITIVE_INFINITY };
}

/** What one of several processes has of it. */
export function shareOf(limit: MemoryLimit | null, processes: number): MemoryLimit | null {
  return limit === null ? null : { residentBytes: Math.floor(limit.residentBytes / processes) };
}

const MIB = 1024 * 1024;

/** Why so much is too little for so many processes, as what is said of it; null: it is not. */
export function shareProblem(bytes: number, processes: number): string | null {
  const mib = (amount: number) => `${Math.floor(amount / MIB)} MiB`;
  if (processes < 2 || bytes / processes >= WORKER_MEMORY_BYTES_MIN) return null;
  const fitting = Math.max(1, Math.floor(bytes / WORKER_MEMORY_BYTES_MIN));
  return (
    `${mib(bytes)} for ${processes} workers is ${mib(bytes / processes)} for each, and each needs ` +
    `${mib(WORKER_MEMORY_BYTES_MIN)} before it has work: allow ${mib(WORKER_MEMORY_BYTES_MIN * processes)} or more, ` +
    `or ${fitting === 1 ? "1 worker" : `${fitting} workers`} at most`
  );
}

/** V8 collects harder and harder as its heap fills; so near to the end, what is used is in use. */
const HEAP_SHARE = 0.9;

/**
 * What the process once had it may keep: after a crowd of buffers 400 MB stayed resident with 6 MB in use, for good. What
 * is not in use is used again before more is asked of the machine, so a process with half of its limit in use is not short,
 * whatever it keeps. The other half is for what V8 does not count: code, stacks, sockets, gaps.
 */
const IN_USE_SHARE = 0.5;

/** Above 1: too much. */
export function memoryShare(reading: MemoryReading, limit: MemoryLimit): number {
  const { residentBytes, heapBytes, externalBytes, heapLimitBytes } = reading;
  const inUse = (heapBytes + externalBytes) / (limit.residentBytes * IN_USE_SHARE);
  return Math.max(Math.min(residentBytes / limit.residentBytes, inUse), heapBytes / (heapLimitBytes * HEAP_SHARE));
}
