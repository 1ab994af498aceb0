import { Fault } from "../../../src/domain/fault.ts";
import { addMs, type Instant } from "../../../src/domain/instant.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { Proof } from "../../../src/domain/record.ts";
import { plainTenant, type Tenant } from "../../../src/domain/tenant.ts";
import type { Presence } from "../../../src/operations/access.ts";
import { createWaitFor, type WaitForEvent, type WaitForInput } from "../../../src/operations/wait-for.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import type { Store } from "../../../src/store/store.ts";
import { plainRuntime } from "../../../src/tenants/runtime.ts";
import { createStaticTenants } from "../../../src/tenants/static.ts";
import type { Hub, WaitLimits } from "../../../src/waiting/hub.ts";
import {
  bytes,
  claimIdOf,
  claimOf,
  finishOf,
  freshToken,
  heartbeatOf,
  NO_FINGERPRINT,
  NOW,
} from "../../support/records.ts";
import { createStoppingStore, type StoppingStore, waitAlone } from "../../support/waiting.ts";
import { createManualClock, type ManualClock, settled } from "../store/manual-clock.ts";

export const TENANTS: readonly Tenant[] = [plainTenant("default"), plainTenant("acme")];

export const keyOf = (key = "order-1"): RecordKey => ({ tenant: "default", scope: "orders", key });

export type Wait = AsyncGenerator<WaitForEvent, void>;

/** Who waits, and may go. */
export interface Guest {
  readonly context: Presence;
  leave(): void;
  retire(): void;
}

/** A server's waiting over a memory store; its process and its database have one clock, which stands still. */
export interface Stand {
  readonly clock: ManualClock;
  readonly hub: Hub;
  /** Wakes who waits. */
  readonly store: Store;
  /** Another server's, which does not notify this one. */
  readonly elsewhere: Store;
  /** What is read for those who wait. */
  readonly read: Pick<StoppingStore, "counts" | "stop">;
  now(): Instant;
  wait(input?: Partial<WaitForInput>, guest?: Guest): Wait;
}

export function openStand(limits: Partial<WaitLimits> = {}, tenants = TENANTS): Stand {
  const clock = createManualClock();
  const startMs = clock.monotonicMs();
  const now = () => addMs(NOW, clock.monotonicMs() - startMs);
  const elsewhere = createMemoryStore({ now, newToken: freshToken });
  const read = createStoppingStore(elsewhere);
  const { store, hub } = waitAlone({ store: read.store, clock }, limits);
  const all = tenants.map((tenant) => ({ tenant }));
  const waitFor = createWaitFor({ tenants: createStaticTenants(plainRuntime({ store, hub }), all), clock });
  const principal = { tenant: null, roles: new Set(["read" as const]), authenticated: false, name: "anonymous" };
  return {
    ...{ clock, hub, store, elsewhere, read, now },
    wait(input = {}, guest = createGuest()) {
      const caller = { principal, deadline: Number.POSITIVE_INFINITY, context: guest.context };
      return waitFor(caller, { ...targetsOf(keyOf()), ...DEFAULTS, ...input });
    },
  };
}

const DEFAULTS = { mode: "all", timeoutMs: 60_000, keepAliveMs: 15_000, mustExist: false } as const;

export function targetsOf(...keys: readonly RecordKey[]): Pick<WaitForInput, "targets"> {
  return { targets: keys.map((key) => ({ key, fingerprint: NO_FINGERPRINT })) };
}

export function createGuest(): Guest {
  const [signal, retiring] = [new AbortController(), new AbortController()];
  return {
    context: { signal: signal.signal, retiring: retiring.signal, answered: async () => true },
    leave: () => signal.abort(new Fault("CANCELLED", "the caller has gone")),
    retire: () => retiring.abort(),
  };
}

/** A wait whose reader always asks for the next event. */
export interface Reading {
  /** What came since this was asked last; how it ended is the last word. */
  news(): Promise<readonly string[]>;
}

export function read(wait: Wait): Reading {
  let words: string[] = [];
  const ended = (async () => {
    for await (const event of wait) words.push(wordsOf(event));
  })();
  ended.then(
    () => words.push("end of stream"),
    (error: unknown) => words.push(faultWords(error)),
  );
  return {
    async news() {
      await settled();
      const news = words;
      words = [];
      return news;
    },
  };
}

/** The next event, which must be there or come by itself. */
export async function next(wait: Wait): Promise<string> {
  const { value, done } = await wait.next();
  return done === true ? "end of stream" : wordsOf(value);
}

export function faultWords(error: unknown): string {
  return error instanceof Fault ? `${error.code}: ${error.message}` : String(error);
}

/** "1 ended completed": the target, what happened, and the one thing that matters about it. */
export function wordsOf({ index, event }: WaitForEvent): string {
  const text = (content: Uint8Array | null) => new TextDecoder().decode(content ?? bytes("nothing"));
  switch (event.kind) {
    case "snapshot":
      return `${index} snapshot ${event.seen?.state ?? "absent"}`;
    case "progress":
      return `${index} progress ${text(event.record.progress)}`;
    case "checkpoint":
      return `${index} checkpoint ${event.record.checkpointSequence}`;
    case "lease-changed":
      return `${index} ${event.change} ${event.record.attempt}`;
    case "outcome-unknown":
      return `${index} outcome unknown`;
    case "ended":
      return `${index} ended ${event.state}${event.state === "completed" ? ` ${text(event.record.outcome)}` : ""}`;
    case "keep-alive":
      return `keep-alive${event.isPolling ? ", polling" : ""}`;
    case "finish":
      return `finish ${event.reason}`;
  }
}

let claims = 0;

/** Claims as somebody new; the record must be free. */
export async function claim(store: Store, change: Parameters<typeof claimOf>[0] = {}): Promise<Proof> {
  const claimId = claimIdOf(`claim-${++claims}`);
  const answer = await store.claim(claimOf({ claimId, token: freshToken(), ...change }), Number.POSITIVE_INFINITY);
  if (answer.kind !== "acquired") throw new Error(`not acquired: ${answer.kind}`);
  return answer.record.lease;
}

export async function finish(store: Store, proof: Proof, change: Parameters<typeof finishOf>[0] = {}): Promise<void> {
  const answer = await store.finish(finishOf({ proof, ...change }), Number.POSITIVE_INFINITY);
  if (answer.kind !== "ended") throw new Error(`not ended: ${answer.code}`);
}

export async function heartbeat(
  store: Store,
  proof: Proof,
  change: Parameters<typeof heartbeatOf>[0] = {},
): Promise<void> {
  const answer = await store.heartbeat(heartbeatOf({ proof, ...change }), Number.POSITIVE_INFINITY);
  if (answer.kind !== "extended") throw new Error(`not extended: ${answer.code}`);
}

export const progressOf = (text: string) => ({ progress: bytes(text) });

export const checkpointOf = (sequence: bigint) => ({ checkpoint: { sequence, encoded: bytes(`step ${sequence}`) } });
