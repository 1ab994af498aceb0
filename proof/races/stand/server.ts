import { anonymous } from "../../../src/auth/authenticator.ts";
import { systemClock } from "../../../src/clock.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { Presence } from "../../../src/operations/access.ts";
import { createClaim } from "../../../src/operations/claim.ts";
import type { ClaimOutcome } from "../../../src/operations/claim-outcome.ts";
import { createWaitFor } from "../../../src/operations/wait-for.ts";
import { type Connection, openSession } from "../../../src/store/postgres/connection.ts";
import { createDatabase } from "../../../src/store/postgres/database.ts";
import type { Store } from "../../../src/store/store.ts";
import { plainRuntime } from "../../../src/tenants/runtime.ts";
import { createStaticTenants } from "../../../src/tenants/static.ts";
import { createHub, type Hub, WAIT_LIMITS, type WaitLimits } from "../../../src/waiting/hub.ts";
import { silentWaitingObserver, type WaitingObserver } from "../../../src/waiting/observer.ts";
import { openPostgresListener } from "../../../src/waiting/postgres/listener.ts";
import { createPostgresNotifier } from "../../../src/waiting/postgres/notifier.ts";
import { fromPayload, type WakeId, wakeId } from "../../../src/waiting/wake-id.ts";
import { createWakingStore } from "../../../src/waiting/waking-store.ts";
import { NO_CREDENTIALS } from "../../../test/support/credentials.ts";
import { claimOf, freshToken, NO_FINGERPRINT } from "../../../test/support/records.ts";
import { createStoppingStore, type StoppingStore } from "../../../test/support/waiting.ts";
import type { Mutation } from "./mutation.ts";
import { LONG_MS, NEVER } from "./records.ts";
import { openStore } from "./stores.ts";

/** A server without its ports, on connections of its own, whose calls a race can hold. */
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
  claim(key: RecordKey, claimId: string, caller?: Presence): Promise<ClaimOutcome>;
  /** A call of WaitFor, up to the record's end: the state that it was told last. */
  waitFor(key: RecordKey): Promise<string>;
}

export interface ServerOptions {
  readonly mutation?: Mutation | null;
  readonly limits?: Partial<WaitLimits>;
  readonly observer?: Partial<WaitingObserver>;
  /** Without, it polls. */
  readonly listens?: boolean;
  /** What its notifications are sent on, instead of a connection of its own. */
  readonly notifyOn?: <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;
}

/** Nobody is told by the clock. */
const BY_WORD_ONLY: Partial<WaitLimits> = { backstopMs: NEVER, pollMs: NEVER };
const WAIT_MS = 60_000;

export async function openServer(url: string, options: ServerOptions = {}): Promise<Server> {
  await using opening = new AsyncDisposableStack();
  const clock = systemClock;
  const mutation = options.mutation ?? null;
  const mutated = mutation?.server?.() ?? {};
  const observer = { ...silentWaitingObserver, ...options.observer };
  const { store: dying } = opening.use(await openStore(url, mutation));
  const stops = createStoppingStore(dying);
  const plainHub = createHub({
    ...{ clock, store: mutated.reads?.(stops.store) ?? stops.store, observer, random: Math.random },
    limits: { ...WAIT_LIMITS, ...BY_WORD_ONLY, ...options.limits, ...mutation?.limits },
  });
  opening.use(plainHub);
  // Whoever waits for what never comes would keep the process alive.
  opening.defer(() => plainHub.drain());
  const hub = mutated.hub?.(plainHub) ?? plainHub;

  const database = opening.adopt(createDatabase({ url, clock, random: Math.random }), (db) => db.close());
  const lane = database.lanes(1);
  await database.opened();
  const run = options.notifyOn ?? ((work) => lane.run(0, work));
  const notifier = opening.use(createPostgresNotifier({ run, clock, observer }));

  const ear = createEar();
  let listened = 0;
  let wasListening = false;
  const listening = Promise.withResolvers<void>();
  const setListening = (isListening: boolean) => {
    if (isListening && !wasListening) listened++;
    wasListening = isListening;
    hub.setListening(isListening);
    if (isListening) listening.resolve();
  };
  if (options.listens ?? true) {
    opening.use(
      openPostgresListener({
        open: (onNotification) =>
          openSession({
            ...{ url, clock },
            onNotification(payload) {
              onNotification(payload);
              ear.hear(payload);
            },
          }),
        hub: { notified: hub.notified, setListening },
        ...{ notifier, clock, random: Math.random, observer, listenUrl: url, pollMs: NEVER },
        log: { info() {}, warn() {} },
      }),
    );
    await listening.promise;
  }

  const store = (mutated.waking ?? createWakingStore)({ store: stops.store, hub, notifier });
  const tenants = createStaticTenants(plainRuntime({ store, hub }));
  const submit = createClaim({ tenants, clock, waiting: observer, newToken: freshToken, admission: () => null });
  const observe = createWaitFor({ tenants, clock });
  const principal = await anonymous.authenticate(NO_CREDENTIALS, NEVER);
  const opened = opening.move();
  return {
    ...{ hub, store, stops, dying, heard: ear.heard },
    get listened() {
      return listened;
    },
    cry: (key) => notifier.notify(wakeId(key)),
    claim: (key, claimId, context = PATIENT) =>
      submit({ principal, deadline: NEVER, context }, { ...claimOf({ key, claimId }), waitMs: WAIT_MS }),
    async waitFor(key) {
      const targets = [{ key, fingerprint: NO_FINGERPRINT }];
      const input = { targets, mode: "all", timeoutMs: LONG_MS, keepAliveMs: WAIT_MS, mustExist: true } as const;
      let told = "nothing";
      for await (const { event } of observe({ principal, deadline: NEVER, context: PATIENT }, input)) {
        if (event.kind === "ended") told = event.state;
      }
      return told;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const never = new AbortController().signal;
/** Stays, and gets every answer. */
const PATIENT: Presence = { signal: never, retiring: never, answered: async () => true };

interface Ear {
  hear(payload: string): void;
  heard(key: RecordKey): Promise<number>;
}

function createEar(): Ear {
  const hearing = new Map<WakeId, (records: number) => void>();
  return {
    hear(payload) {
      if (hearing.size === 0) return;
      const ids = fromPayload(payload);
      for (const id of ids) hearing.get(id)?.(ids.length);
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
  };
}
