import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";

export interface MemoryReading {
  /** What the process has of the machine's memory. */
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** Where V8 gives up, and the process with it. */
  readonly heapLimitBytes: number;
}

export interface MemoryLimit {
  /** Infinity: none. */
  readonly residentBytes: number;
}

export function readProcessMemory(): MemoryReading {
  const { used_heap_size: heapBytes, heap_size_limit: heapLimitBytes } = getHeapStatistics();
  return { residentBytes: process.memoryUsage.rss(), heapBytes, heapLimitBytes };
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

/** V8 collects harder and harder as its heap fills; so near to the end, what is used is in use. */
const HEAP_SHARE = 0.9;

/** Above 1: too much. */
export function memoryShare(reading: MemoryReading, limit: MemoryLimit): number {
  const { residentBytes, heapBytes, heapLimitBytes } = reading;
  return Math.max(residentBytes / limit.residentBytes, heapBytes / (heapLimitBytes * HEAP_SHARE));
}
