import { anonymous } from "../../../src/auth/authenticator.ts";
import type { ClaimCall, EndKind, FinishAnswer } from "../../../src/domain/calls.ts";
import { Fault, type FaultCode } from "../../../src/domain/fault.ts";
import { addMs, type Instant } from "../../../src/domain/instant.ts";
import type { Proof, StoredRecord } from "../../../src/domain/record.ts";
import { plainTenant, type Tenant } from "../../../src/domain/tenant.ts";
import type { Presence } from "../../../src/operations/access.ts";
import { createClaim } from "../../../src/operations/claim.ts";
import type { ClaimOutcome } from "../../../src/operations/claim-outcome.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import type { Store } from "../../../src/store/store.ts";
import { plainRuntime, type TenantRuntime } from "../../../src/tenants/runtime.ts";
import { createHub, type Hub, WAIT_LIMITS, type WaitLimits } from "../../../src/waiting/hub.ts";
import { silentWaitingObserver } from "../../../src/waiting/observer.ts";
import type { WakeId } from "../../../src/waiting/wake-id.ts";
import { createWakingStore } from "../../../src/waiting/waking-store.ts";
import { NO_CREDENTIALS } from "../../support/credentials.ts";
import { claimIdOf, claimOf, finishOf, freshToken, NOW } from "../../support/records.ts";
import { createStoppingStore, type StoppingStore } from "../../support/waiting.ts";
import { createManualClock, type ManualClock, settled } from "../store/manual-clock.ts";

export const KEY = { tenant: "default", scope: "orders", key: "order-1" };

/** Two servers over one store and one clock; what one of them tells reaches the other when the test says so. */
export interface ClaimScene {
  readonly clock: ManualClock;
  readonly here: ServerScene;
  readonly there: ServerScene;
  /** By the database's clock. */
  now(): Instant;
  /** Sets the database's clock, and no other. */
  step(ms: number): void;
  record(): Promise<StoredRecord | null>;
  /** Takes the record without waiting, for 30 s unless told otherwise. */
  hold(change?: Partial<ClaimCall>): Promise<Proof>;
  /** Ends the attempt, through `there`, and lets it be known everywhere. */
  end(proof: Proof, kind: EndKind, delayMs?: number): Promise<void>;
  /** Everybody listens: what was told so far arrives. */
  notify(): Promise<void>;
}

export interface ServerScene {
  readonly hub: Hub;
  /** As its calls use it. */
  readonly store: Store;
  readonly calls: StoppingStore;
  readonly counts: { promoted: number; gaveBack: number };
  /** Why it acquires nothing. */
  refusal: Fault | null;
  tenant: Tenant;
  /** What it serves the tenant with. */
  runtime: TenantRuntime;
  /** Claims, waiting for 10 s unless told otherwise, and lets everything follow that follows from that. */
  claim(name: string, change?: Partial<ClaimCall & { waitMs: number; deadline: number }>): Promise<WaitingCall>;
}

export interface WaitingCall {
  readonly caller: TestCaller;
  /** What it was told, as text: the kind, with the reason of a lease, or the code of the error; null while it waits. */
  readonly told: string | null;
  readonly answer: ClaimOutcome;
}

export interface TestCaller {
  readonly context: Presence;
  /** The call ends: nobody waits for its answer. */
  vanish(): void;
  /** Until it is known whether answers have arrived, nobody is told. */
  holdAnswer(): void;
  answered(reached: boolean): void;
}

export function createTestCaller(): TestCaller {
  const gone = new AbortController();
  let held: PromiseWithResolvers<boolean> | null = null;
  return {
    context: {
      signal: gone.signal,
      retiring: new AbortController().signal,
      answered: async () => (held === null ? !gone.signal.aborted : await held.promise),
    },
    vanish: () => gone.abort(new Fault("CANCELLED", "the caller has gone")),
    holdAnswer() {
      held = Promise.withResolvers();
    },
    answered: (reached) => held?.resolve(reached),
  };
}

export function createClaimScene(limits: Partial<WaitLimits> = {}): ClaimScene {
  const clock = createManualClock();
  const startMs = clock.monotonicMs();
  let aheadMs = 0;
  const now = () => addMs(NOW, Math.round((clock.monotonicMs() - startMs + aheadMs) * 1000) / 1000);
  const memory = createMemoryStore({ now, newToken: freshToken });
  const told: WakeId[] = [];
  const notify = (id: WakeId) => void told.push(id);
  const [here, there] = [createServer(clock, memory, notify, limits), createServer(clock, memory, notify, limits)];
  const scene: ClaimScene = {
    ...{ clock, here, there, now },
    step(ms) {
      aheadMs += ms;
    },
    record: async () => (await memory.peek(KEY, Infinity)).record,
    async hold(change = {}) {
      const call = claimOf({ key: KEY, claimId: claimIdOf("holder"), token: freshToken(), ...change });
      const answer = await there.store.claim(call, Infinity);
      if (answer.kind !== "acquired") throw new Error(`expected acquired, not ${answer.kind}`);
      return answer.record.lease;
    },
    async end(proof, kind, delayMs = 0) {
      const outcome = kind === "not-started" ? { outcome: null } : {};
      const answer = await there.store.finish(finishOf({ key: KEY, proof, kind, delayMs, ...outcome }), Infinity);
      expectEnded(answer);
      await scene.notify();
    },
    async notify() {
      await settled();
      const ids = told.splice(0);
      for (const { hub } of [here, there]) hub.notified(ids);
      await settled();
    },
  };
  return scene;
}

function expectEnded(answer: FinishAnswer): void {
  if (answer.kind !== "ended") throw new Error(`expected ended, not ${answer.code}`);
}

function createServer(
  clock: ManualClock,
  memory: Store,
  notify: (id: WakeId) => void,
  limits: Partial<WaitLimits>,
): ServerScene {
  const calls = createStoppingStore(memory);
  const counts = { promoted: 0, gaveBack: 0 };
  const waiting = {
    ...silentWaitingObserver,
    promoted: () => void counts.promoted++,
    gaveBack: () => void counts.gaveBack++,
  };
  const hub = createHub({
    ...{ clock, store: calls.store, observer: waiting, random: () => 0.5 },
    limits: { ...WAIT_LIMITS, backstopMs: Number.POSITIVE_INFINITY, ...limits },
  });
  hub.setListening(true);
  const store = createWakingStore({ store: calls.store, hub, notifier: { notify } });
  const server: ServerScene = {
    ...{ hub, store, calls, counts },
    refusal: null,
    tenant: plainTenant("default"),
    runtime: plainRuntime({ store, hub }),
    async claim(name, { waitMs = 10_000, deadline = Infinity, ...change } = {}) {
      const caller = createTestCaller();
      const input = { ...claimOf({ key: KEY, claimId: claimIdOf(name), ...change }), waitMs };
      const principal = await anonymous.authenticate(NO_CREDENTIALS, Infinity);
      const call = recorded(caller, claim({ principal, deadline, context: caller.context }, input));
      await settled();
      return call;
    },
  };
  const claim = createClaim({
    ...{ clock, waiting, newToken: freshToken },
    tenants: { enter: async () => ({ tenant: server.tenant, runtime: server.runtime }) },
    admission: () => server.refusal,
  });
  return server;
}

function recorded(caller: TestCaller, outcome: Promise<ClaimOutcome>): WaitingCall {
  let answer: ClaimOutcome | null = null;
  let failure: FaultCode | null = null;
  outcome.then(
    (told) => {
      answer = told;
    },
    (error: unknown) => {
      failure = error instanceof Fault ? error.code : "INTERNAL";
    },
  );
  return {
    caller,
    get told() {
      if (answer?.kind === "acquired") return `acquired ${answer.reason}`;
      return answer?.kind ?? failure;
    },
    get answer() {
      if (answer === null) throw new Error(`no answer: ${failure ?? "it waits"}`);
      return answer;
    },
  };
}
