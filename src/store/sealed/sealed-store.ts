import type { Checkpoint, ClaimAnswer, ClaimCall, FinishCall, HeartbeatCall } from "../../domain/calls.ts";
import type { RecordKey } from "../../domain/key.ts";
import type { Proof } from "../../domain/record.ts";
import type { HistoryQuery, RecordHistory, RecordPage, RecordQuery, ResolveCall } from "../operator-store.ts";
import type { Store } from "../store.ts";
import { sealEndDigest } from "./data-keys.ts";
import { type SealedKind, seal } from "./envelope.ts";
import { createOpener, type UnopenableReason } from "./opener.ts";
import type { TenantKeys } from "./tenant-keys.ts";

export interface SealedStoreDeps {
  readonly store: Store;
  /**
   * The keys of an encrypted tenant; null of one that is not. Must know it for certain: null for an encrypted tenant
   * would store its content as it is. Where that cannot be told it throws or rejects, and the call with it.
   */
  readonly keysOf: (tenant: string) => TenantKeys | null | Promise<TenantKeys | null>;
  /** An alarm, raised again by each call that meets the same content. */
  readonly onUnopenable: (tenant: string, why: UnopenableReason) => void;
}

/**
 * A store that keeps results, errors and checkpoints of encrypted tenants sealed, and the digests of their ends as HMACs.
 * Fingerprints come as `sealFingerprint` makes them. What it answers is open. Other tenants' calls pass as they are.
 *
 * Throws what the store and `keysOf` throw, and `Fault` INTERNAL for content that cannot be opened. A claim may have
 * acquired then: nobody knows of its lease, which runs to its end. In a list, and of an event, such content is left out:
 * what operators look for it with must show everything else.
 */
export function createSealedStore({ store, keysOf, onUnopenable }: SealedStoreDeps): Store {
  const { openRecord, openListed, openCheckpoint, openEvent } = createOpener(onUnopenable);
  const keysFor = (tenant: string) => {
    try {
      return keysOf(tenant);
    } catch (error) {
      return Promise.reject(error);
    }
  };

  const claim = async (asked: Asked, call: ClaimCall, deadline: number): Promise<ClaimAnswer> => {
    const keys = asked instanceof Promise ? await asked : asked;
    const answer = await store.claim(call, deadline);
    if (keys === null || answer.kind === "fault" || answer.kind === "refused") return answer;
    return { ...answer, record: await openRecord(keys, answer.record) };
  };
  const heartbeat = async (asked: Asked, call: HeartbeatCall, deadline: number) => {
    const keys = asked instanceof Promise ? await asked : asked;
    return store.heartbeat(keys === null ? call : sealHeartbeat(keys, call), deadline);
  };
  const finish = async (asked: Asked, call: FinishCall, deadline: number) => {
    const keys = asked instanceof Promise ? await asked : asked;
    return store.finish(keys === null ? call : sealFinish(keys, call), deadline);
  };
  const peek = async (asked: Asked, key: RecordKey, deadline: number) => {
    const keys = asked instanceof Promise ? await asked : asked;
    const peeked = await store.peek(key, deadline);
    if (keys === null || peeked.record === null) return peeked;
    return { ...peeked, record: await openRecord(keys, peeked.record) };
  };

  const list = async (asked: Asked, query: RecordQuery, deadline: number): Promise<RecordPage> => {
    const keys = asked instanceof Promise ? await asked : asked;
    const page = await store.list(query, deadline);
    if (keys === null) return page;
    const opened = page.records.map(async (listed) => ({ ...listed, record: await openListed(keys, listed.record) }));
    return { ...page, records: await Promise.all(opened) };
  };
  const history = async (asked: Asked, query: HistoryQuery, deadline: number): Promise<RecordHistory | null> => {
    const keys = asked instanceof Promise ? await asked : asked;
    const found = await store.history(query, deadline);
    if (keys === null || found === null) return found;
    if (!query.withOutcomes) return { ...found, record: await openCheckpoint(keys, found.record) };
    const events = found.events.map((event) => openEvent(keys, found.record, event));
    return { ...found, record: await openRecord(keys, found.record), events: await Promise.all(events) };
  };
  const resolve = async (asked: Asked, call: ResolveCall, deadline: number) => {
    const keys = asked instanceof Promise ? await asked : asked;
    return store.resolve(keys === null ? call : sealResolve(keys, call), deadline);
  };

  return {
    ...store,
    claim(call, deadline) {
      const asked = keysFor(call.key.tenant);
      return asked === null ? store.claim(call, deadline) : claim(asked, call, deadline);
    },
    heartbeat(call, deadline) {
      const asked = call.checkpoint === null ? null : keysFor(call.key.tenant);
      return asked === null ? store.heartbeat(call, deadline) : heartbeat(asked, call, deadline);
    },
    finish(call, deadline) {
      const asked = keysFor(call.key.tenant);
      return asked === null ? store.finish(call, deadline) : finish(asked, call, deadline);
    },
    peek(key, deadline) {
      const asked = keysFor(key.tenant);
      return asked === null ? store.peek(key, deadline) : peek(asked, key, deadline);
    },
    list(query, deadline) {
      const asked = query.withOutcomes ? keysFor(query.tenant) : null;
      return asked === null ? store.list(query, deadline) : list(asked, query, deadline);
    },
    history(query, deadline) {
      const asked = keysFor(query.key.tenant);
      return asked === null ? store.history(query, deadline) : history(asked, query, deadline);
    },
    resolve(call, deadline) {
      const asked = call.verdict.kind === "not-done" ? null : keysFor(call.key.tenant);
      return asked === null ? store.resolve(call, deadline) : resolve(asked, call, deadline);
    },
  };
}

type Asked = TenantKeys | Promise<TenantKeys | null>;

function sealHeartbeat(keys: TenantKeys, call: HeartbeatCall): HeartbeatCall {
  return { ...call, checkpoint: sealCheckpoint(keys, call) };
}

function sealFinish(keys: TenantKeys, call: FinishCall): FinishCall {
  const kind = call.kind === "complete" ? "result" : "error";
  return {
    ...call,
    outcome: call.outcome === null ? null : sealContent(keys, kind, call, call.outcome),
    digest: sealEndDigest(keys, call.key, call.digest),
    checkpoint: sealCheckpoint(keys, call),
  };
}

function sealCheckpoint(keys: TenantKeys, call: HeartbeatCall | FinishCall): Checkpoint | null {
  const { checkpoint } = call;
  if (checkpoint === null) return null;
  return { sequence: checkpoint.sequence, encoded: sealContent(keys, "checkpoint", call, checkpoint.encoded) };
}

/** Under the fence that the operator read: the one that the change makes is known only afterwards, and lies above it. */
function sealResolve(keys: TenantKeys, call: ResolveCall): ResolveCall {
  const { verdict, key, fence } = call;
  if (verdict.kind === "not-done" || verdict.outcome === null) return call;
  const kind = verdict.kind === "completed" ? "result" : "error";
  const outcome = sealContent(keys, kind, { key, proof: { fence } }, verdict.outcome);
  return { ...call, verdict: { ...verdict, outcome } };
}

interface Origin {
  readonly key: RecordKey;
  readonly proof: Pick<Proof, "fence">;
}

function sealContent(keys: TenantKeys, kind: SealedKind, { key, proof }: Origin, content: Uint8Array): Uint8Array {
  const { version, encryption } = keys.newest();
  return seal(content, { kind, key }, { keyVersion: version, fence: proof.fence }, encryption);
}
