import type { KeyObject } from "node:crypto";
import type { Clock } from "../../clock.ts";
import type { DataKeys, DigestKeys } from "./data-keys.ts";
import { KeysUnusable } from "./wrapping.ts";

export type EncryptionKey = Pick<DataKeys, "version" | "encryption">;

/** The keys of one tenant; a live view: what is learned of new versions shows in it. */
export interface TenantKeys extends DigestKeys {
  readonly tenant: string;
  /** What is sealed from now on is sealed with it. The newest as of some `refreshMs` ago. */
  newest(): EncryptionKey;
  /**
   * The key of a version. One that is not known here is asked for: another server may have added it. Null: there is none.
   *
   * Throws, or rejects with, what the reading of the keys rejects with.
   */
  find(version: number): KeyObject | Promise<KeyObject | null> | null;
}

export interface TenantKeysDeps {
  readonly tenant: string;
  /** All versions there are, the first one among them. */
  readonly known: readonly DataKeys[];
  /** Reads the versions that are not among these. */
  readonly readOthers: (known: ReadonlySet<number>) => Promise<readonly DataKeys[]>;
  readonly clock: Clock;
  /** How long a new version may go unnoticed by one who only writes. */
  readonly refreshMs: number;
  /** A reading for that purpose failed; it is tried again after `refreshMs`, and what is known stays in use. */
  readonly onRefreshFailed: (tenant: string, error: unknown) => void;
}

/** However many records name a version that does not exist, so often at most is it asked for. */
const FRUITLESS_MS = 1_000;

export function createTenantKeys(deps: TenantKeysDeps): TenantKeys {
  const { tenant, clock, refreshMs } = deps;
  const versions = new Map(deps.known.map((keys) => [keys.version, keys]));
  const first = versions.get(1);
  if (first === undefined) throw new KeysUnusable(`key 1 of tenant ${tenant} is missing`);
  let newest = newestOf(versions);
  let refreshAtMs = clock.monotonicMs() + refreshMs;
  let fruitless: { readonly untilMs: number; readonly error: KeysUnusable | null } | null = null;

  const read = async () => {
    for (const keys of await deps.readOthers(new Set(versions.keys()))) versions.set(keys.version, keys);
    newest = newestOf(versions);
    refreshAtMs = clock.monotonicMs() + refreshMs;
  };
  const readNext = shareUnbegun(read);

  const ask = async (version: number): Promise<KeyObject | null> => {
    const untilMs = clock.monotonicMs() + FRUITLESS_MS;
    try {
      await readNext();
    } catch (error) {
      if (error instanceof KeysUnusable) fruitless = { untilMs, error };
      throw error;
    }
    const found = versions.get(version);
    if (found === undefined) fruitless = { untilMs, error: null };
    return found?.encryption ?? null;
  };

  return {
    tenant,
    fingerprints: first.fingerprints,
    ends: first.ends,
    newest() {
      if (clock.monotonicMs() >= refreshAtMs) {
        refreshAtMs = clock.monotonicMs() + refreshMs;
        readNext().catch((error: unknown) => deps.onRefreshFailed(tenant, error));
      }
      return newest;
    },
    find(version) {
      const known = versions.get(version);
      if (known !== undefined) return known.encryption;
      if (fruitless === null || clock.monotonicMs() >= fruitless.untilMs) return ask(version);
      if (fruitless.error !== null) throw fruitless.error;
      return null;
    },
  };
}

/**
 * Calls `work` one at a time, and joins callers who come together. A call that has begun is joined by nobody: it may have
 * missed what the newcomer has seen already.
 */
function shareUnbegun(work: () => Promise<void>): () => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  let unbegun: Promise<void> | null = null;
  return () => {
    if (unbegun !== null) return unbegun;
    const turn = last.then(() => {
      unbegun = null;
      return work();
    });
    unbegun = turn;
    last = turn.catch(() => undefined);
    return turn;
  };
}

function newestOf(versions: ReadonlyMap<number, DataKeys>): DataKeys {
  const [first, ...others] = versions.values();
  if (first === undefined) throw new Error("bug: a tenant without keys");
  return others.reduce((newest, keys) => (keys.version > newest.version ? keys : newest), first);
}
