import { anonymous } from "../../../src/auth/authenticator.ts";
import { systemClock } from "../../../src/clock.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import { hasEnded, type Proof } from "../../../src/domain/record.ts";
import { createClaim } from "../../../src/operations/claim.ts";
import type { ClaimOutcome } from "../../../src/operations/claim-outcome.ts";
import { openSession } from "../../../src/store/postgres/connection.ts";
import { createDatabase } from "../../../src/store/postgres/database.ts";
import type { Store } from "../../../src/store/store.ts";
import { plainRuntime } from "../../../src/tenants/runtime.ts";
import { createStaticTenants } from "../../../src/tenants/static.ts";
import { createHub, type Hub, WAIT_LIMITS, type WaitLimits } from "../../../src/waiting/hub.ts";
import { silentWaitingObserver } from "../../../src/waiting/observer.ts";
import { openPostgresListener } from "../../../src/waiting/postgres/listener.ts";
import { createPostgresNotifier } from "../../../src/waiting/postgres/notifier.ts";
import { fromPayload, type WakeId, wakeId } from "../../../src/waiting/wake-id.ts";
import { createWakingStore } from "../../../src/waiting/waking-store.ts";
import { NO_CREDENTIALS } from "../../support/credentials.ts";
import { claimIdOf, claimOf, finishOf, freshToken } from "../../support/records.ts";
import { createOnlooker, createStoppingStore, type StoppingStore } from "../../support/waiting.ts";
import { openStoreOn } from "../store/open-store.ts";

/** A server without its ports, on connections of its own, whose calls a test can hold. */
export interface Server extends AsyncDisposable {
  readonly hub: Hub;
  /** As its calls use it, and as its hub does: all of that can be held. */
  readonly store: Store;
  readonly stops: StoppingStore;
  /** Changes records, and tells nobody: a server that dies after the commit. */
  readonly dying: Store;
  /** How often it has begun to listen. */
  readonly listened: number;
  /** Resolves when a notification of this record arrives, with how many records it told of. */
  heard(key: RecordKey): Promise<number>;
  /** Tells all that the record has changed, which it has not. */
  cry(key: RecordKey): void;
  /** A claim that waits for a minute. */
  claim(key: RecordKey, name: string): Promise<ClaimOutcome>;
}

export interface ServerOptions {
  readonly limits?: Partial<WaitLimits>;
  /** Without, it polls. */
  readonly listens?: boolean;
}

const NEVER = Number.POSITIVE_INFINITY;
/** Longer than any test: nobody is woken by the end of a lease. */
const LEASE_MS = 3_600_000;

export async function openServer(url: string, { limits = {}, listens = true }: ServerOptions = {}): Promise<Server> {
  await using opening = new AsyncDisposableStack();
  const clock = systemClock;
  const plain = opening.adopt(await openStoreOn(url), (store) => store.close());
  const stops = createStoppingStore(plain);
  const hub = createHub({
    ...{ clock, store: stops.store, observer: silentWaitingObserver, random: Math.random },
    limits: { ...WAIT_LIMITS, backstopMs: NEVER, pollMs: NEVER, ...limits },
  });
  opening.use(hub);
  const database = opening.adopt(createDatabase({ url, clock, random: Math.random }), (db) => db.close());
  const lane = database.lanes(1);
  await database.opened();
  const notifier = opening.use(
    createPostgresNotifier({ run: (work) => lane.run(0, work), clock, observer: silentWaitingObserver }),
  );

  const hearing = new Map<WakeId, (records: number) => void>();
  const hear = (payload: string) => {
    if (hearing.size === 0) return;
    const ids = fromPayload(payload);
    for (const id of ids) hearing.get(id)?.(ids.length);
  };
  let listened = 0;
  const listening = Promise.withResolvers<void>();
  const setListening = (isListening: boolean) => {
    if (isListening && !hub.isListening) listened++;
    hub.setListening(isListening);
    if (isListening) listening.resolve();
  };
  if (listens) {
    opening.use(
      openPostgresListener({
        open: (onNotification) =>
          openSession({
            url,
            clock,
            onNotification(payload) {
              onNotification(payload);
              hear(payload);
            },
          }),
        hub: { notified: hub.notified, setListening },
        ...{ notifier, clock, random: Math.random, observer: silentWaitingObserver, listenUrl: url, pollMs: NEVER },
        log: { info() {}, warn() {} },
      }),
    );
    await listening.promise;
  }

  const store = createWakingStore({ store: stops.store, hub, notifier });
  const submit = createClaim({
    ...{ clock, waiting: silentWaitingObserver, newToken: freshToken },
    tenants: createStaticTenants(plainRuntime({ store, hub })),
    admission: () => null,
  });
  const principal = await anonymous.authenticate(NO_CREDENTIALS, NEVER);
  const never = new AbortController().signal;
  const context = { signal: never, retiring: never, answered: async () => true };
  const opened = opening.move();
  return {
    ...{ hub, store, stops, dying: plain },
    get listened() {
      return listened;
    },
    heard(key) {
      const { promise, resolve } = Promise.withResolvers<number>();
      const id = wakeId(key);
      hearing.set(id, (records) => {
        hearing.delete(id);
        resolve(records);
      });
      return promise;
    },
    cry: (key) => notifier.notify(wakeId(key)),
    claim: (key, name) =>
      submit(
        { principal, deadline: NEVER, context },
        { ...claimOf({ key, claimId: claimIdOf(name) }), waitMs: 60_000 },
      ),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

let keys = 0;
export function freshKeys(count: number): readonly RecordKey[] {
  return Array.from({ length: count }, () => ({ tenant: "default", scope: "wake-up", key: `trial-${++keys}` }));
}

export async function hold(store: Store, key: RecordKey, leaseMs = LEASE_MS): Promise<Proof> {
  const call = claimOf({ key, leaseMs, claimId: claimIdOf("holder"), token: freshToken() });
  const answer = await store.claim(call, NEVER);
  if (answer.kind !== "acquired") throw new Error(`bug: the claim was answered ${answer.kind}`);
  return answer.record.lease;
}

/** Returns whether the record was flagged. */
export async function complete(store: Store, key: RecordKey, proof: Proof): Promise<boolean> {
  const answer = await store.finish(finishOf({ key, proof }), NEVER);
  if (answer.kind !== "ended") throw new Error(`bug: the end was answered ${answer.kind}`);
  return answer.hasWaiters;
}

/** Resolves when somebody who waits there has been shown the record's end. */
export function seesEnd({ hub }: Server, key: RecordKey): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onlooker = createOnlooker(({ record }) => {
    if (record === null || !hasEnded(record)) return;
    joined.leave(onlooker);
    resolve();
  });
  const joined = hub.join(key, onlooker);
  return promise;
}

/** How many of them have not ended by then. */
export async function missing(waits: readonly Promise<unknown>[], withinMs: number): Promise<number> {
  let left = waits.length;
  const all = Promise.all(waits.map((wait) => wait.then(() => left--)));
  const over = new AbortController();
  const late = systemClock.sleep(withinMs, over.signal).catch(() => undefined);
  await Promise.race([all, late]);
  over.abort();
  return left;
}
