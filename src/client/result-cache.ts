import { create } from "@bufbuild/protobuf";
import { type ClaimRequest, type Result, ResultSchema, ReusePolicy } from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { Clock } from "./clock.ts";

/**
 * Keeps the results of completed work in this process, so that a replay costs no call. Left out: nothing is kept.
 *
 * A result never changes, but an operator may reset or purge its record, and then what is kept here is replayed for
 * `ttlMs` still. A result that was replayed to this client is kept past its retention for that long at most.
 *
 * It is the client's, and not the credential's: whoever may use the client gets what it has.
 */
export interface CacheOptions {
  /** 1 to 1 000 000, default 1 000: the one that was not asked for the longest goes. */
  readonly entries?: number;
  /** 1 to 2^30, default 16 MiB: of all of them together, names included. What is larger alone is not kept. */
  readonly bytes?: number;
  /** 1 to 3 600 000 ms, default 10 000: how long one is kept, by the monotonic clock. */
  readonly ttlMs?: number;
}

export interface CachedResult {
  readonly result: Result;
  /** The attempt that did the work. */
  readonly attempt: number;
}

export interface ResultCache {
  /** Of this record, claimed with this very input. */
  get(request: ClaimRequest): CachedResult | undefined;
  /** @param keptMs how long the server keeps it, where that is known */
  put(request: ClaimRequest, completed: CachedResult, keptMs?: number): void;
}

export const noCache: ResultCache = { get: () => undefined, put: () => undefined };

interface Entry extends CachedResult {
  readonly bytes: number;
  /** Monotonic. */
  readonly endMs: number;
}

/** What an entry takes beside its bytes and its name, roughly. */
const ENTRY_BYTES = 256;

export function createResultCache(options: CacheOptions, clock: Clock): ResultCache {
  const entriesMax = within("entries", options.entries ?? 1_000, 1_000_000);
  const bytesMax = within("bytes", options.bytes ?? 16 * 1024 * 1024, 2 ** 30);
  const ttlMs = within("ttlMs", options.ttlMs ?? 10_000, 3_600_000);
  /** In the order of their use, the oldest first. */
  const entries = new Map<string, Entry>();
  let bytes = 0;

  const drop = (name: string) => {
    bytes -= entries.get(name)?.bytes ?? 0;
    entries.delete(name);
  };

  return {
    get(request) {
      // Who wants no record to be there asks the server.
      if (request.reuse === ReusePolicy.REJECT) return undefined;
      const name = nameOf(request);
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      entries.delete(name);
      if (clock.monotonicMs() >= entry.endMs) {
        bytes -= entry.bytes;
        return undefined;
      }
      entries.set(name, entry);
      return entry;
    },

    put(request, { result, attempt }, keptMs = ttlMs) {
      const { body } = result;
      // What is kept elsewhere, or nowhere, is the server's to tell.
      if (body.case !== "inline" || keptMs <= 0) return;
      const name = nameOf(request);
      drop(name);
      const weight = ENTRY_BYTES + 2 * name.length + body.value.length + textUnits(result.metadata) * 2;
      if (weight > bytesMax) return;
      // A copy: the bytes of a message share the memory of the frame that they came in.
      const kept = create(ResultSchema, { ...result, body: { case: "inline", value: new Uint8Array(body.value) } });
      entries.set(name, { result: kept, attempt, bytes: weight, endMs: clock.monotonicMs() + Math.min(ttlMs, keptMs) });
      bytes += weight;
      for (const oldest of entries.keys()) {
        if (entries.size <= entriesMax && bytes <= bytesMax) break;
        drop(oldest);
      }
    },
  };
}

/** No name holds U+0000, so no two records have the same. The digest is last, and may hold anything. */
function nameOf({ key, fingerprint }: ClaimRequest): string {
  const { algorithm = "", digest = new Uint8Array() } = fingerprint ?? {};
  return [key?.tenant, key?.scope, key?.key, algorithm, String.fromCharCode(...digest)].join("\0");
}

function textUnits(metadata: Readonly<Record<string, string>>): number {
  return Object.entries(metadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}

function within(name: string, value: number, max: number): number {
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new TypeError(`cache.${name} must be a whole number from 1 to ${max}`);
  }
  return value;
}
