import { Fault } from "../../domain/fault.ts";
import type { RecordEvent } from "../../domain/history.ts";
import type { StoredRecord } from "../../domain/record.ts";
import { open, readHead, type SealedKind } from "./envelope.ts";
import type { TenantKeys } from "./tenant-keys.ts";
import { KeysUnusable } from "./wrapping.ts";

/**
 * Why stored content cannot be opened.
 *
 * - `not-sealed`: somebody put plain bytes there
 * - `malformed`: no envelope of a format that is known here
 * - `fence-ahead`: sealed by an attempt that the record has not had yet
 * - `unknown-key-version`: there is no such key
 * - `keys-unusable`: a key cannot be unwrapped
 * - `not-authentic`: another key, another record or kind, or tampered; nobody can tell which
 */
export const UNOPENABLE_REASONS = [
  "not-sealed",
  "malformed",
  "fence-ahead",
  "unknown-key-version",
  "keys-unusable",
  "not-authentic",
] as const;

export type UnopenableReason = (typeof UNOPENABLE_REASONS)[number];

/** Either is null where the other is not. */
type Opened =
  | { readonly content: Uint8Array; readonly failure: null }
  | { readonly content: null; readonly failure: Fault };

/**
 * Opens what is sealed in a record. Only a completed one holds a result: whatever else was there is an error, and a state
 * that was changed by hand makes neither into the other.
 *
 * @param onUnopenable an alarm, also where what does not open is left out
 */
export function createOpener(onUnopenable: (tenant: string, why: UnopenableReason) => void) {
  const tryToOpen = async (
    keys: TenantKeys,
    kind: SealedKind,
    record: StoredRecord,
    stored: Uint8Array,
  ): Promise<Opened> => {
    const fail = (why: UnopenableReason, cause?: unknown) => {
      onUnopenable(keys.tenant, why);
      return { content: null, failure: unopenable(keys.tenant, kind, why, cause) };
    };
    const head = readHead(stored);
    if (typeof head === "string") return fail(head);
    // A suspect's late end and a checkpoint after a takeover carry the fence of an earlier attempt, none a later one's.
    if (head.fence > record.lease.fence) return fail("fence-ahead");
    const secret = await findKey(keys, head.keyVersion);
    if (secret instanceof KeysUnusable) return fail("keys-unusable", secret);
    if (secret === null) return fail("unknown-key-version");
    const content = open(stored, { kind, key: record.key }, secret);
    return content === null ? fail("not-authentic") : { content, failure: null };
  };

  const openContent = async (...what: Parameters<typeof tryToOpen>): Promise<Uint8Array> => {
    const { content, failure } = await tryToOpen(...what);
    if (failure !== null) throw failure;
    return content;
  };

  const openOutcome = (
    keys: TenantKeys,
    record: StoredRecord,
    using: (...what: Parameters<typeof tryToOpen>) => Promise<Uint8Array | null>,
  ) => {
    const { outcome, state } = record;
    return outcome === null ? null : using(keys, state === "completed" ? "result" : "error", record, outcome);
  };
  const orNothing = async (...what: Parameters<typeof tryToOpen>) => (await tryToOpen(...what)).content;

  return {
    async openRecord(keys: TenantKeys, record: StoredRecord): Promise<StoredRecord> {
      const { outcome, checkpoint } = record;
      if (outcome === null && checkpoint === null) return record;
      return {
        ...record,
        outcome: await openOutcome(keys, record, openContent),
        checkpoint: checkpoint === null ? null : await openContent(keys, "checkpoint", record, checkpoint),
      };
    },

    /** As lists have it, without a checkpoint. What does not open is left out. */
    async openListed(keys: TenantKeys, record: StoredRecord): Promise<StoredRecord> {
      return { ...record, outcome: await openOutcome(keys, record, orNothing) };
    },

    /** The checkpoint alone; empty where it does not open. */
    async openCheckpoint(keys: TenantKeys, record: StoredRecord): Promise<StoredRecord> {
      const { checkpoint } = record;
      if (checkpoint === null) return record;
      return { ...record, checkpoint: (await orNothing(keys, "checkpoint", record, checkpoint)) ?? new Uint8Array() };
    },

    /** An error that does not open is left out. */
    async openEvent(keys: TenantKeys, record: StoredRecord, event: RecordEvent): Promise<RecordEvent> {
      const { error } = event;
      return error === null ? event : { ...event, error: await orNothing(keys, "error", record, error) };
    },
  };
}

async function findKey(keys: TenantKeys, version: number) {
  try {
    return await keys.find(version);
  } catch (error) {
    if (error instanceof KeysUnusable) return error;
    throw error;
  }
}

function unopenable(tenant: string, kind: SealedKind, why: UnopenableReason, cause: unknown): Fault {
  const reason = new Error(`a sealed ${kind} of tenant ${tenant} cannot be opened: ${why}`, { cause });
  return new Fault("INTERNAL", "Internal error.", { cause: reason });
}
