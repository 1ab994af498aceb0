import { systemClock } from "../../../src/clock.ts";
import type { Fault } from "../../../src/domain/fault.ts";
import { silentObserver } from "../../../src/store/observer.ts";
import { BATCH_LIMITS } from "../../../src/store/postgres/batch-limits.ts";
import { openSession, type Session } from "../../../src/store/postgres/connection.ts";
import { createDatabase } from "../../../src/store/postgres/database.ts";
import { createPostgresStore } from "../../../src/store/postgres/store.ts";
import type { Store } from "../../../src/store/store.ts";
import { noTracing } from "../../../src/telemetry/tracing.ts";
import { freshToken } from "../../../test/support/records.ts";
import { type Mutation, rewriting } from "./mutation.ts";
import { NEVER } from "./records.ts";

export interface OpenStore extends AsyncDisposable {
  readonly store: Store;
}

/** The service's store, with sessions, batches and lanes of its own; two of them are two servers for the database. */
export async function openStore(url: string, mutation: Mutation | null): Promise<OpenStore> {
  await using opening = new AsyncDisposableStack();
  const sessions = createDatabase({ url, clock: systemClock, random: Math.random });
  opening.defer(() => sessions.close());
  const store = createPostgresStore({
    database: rewriting(sessions, mutation?.rewrites ?? []),
    clock: systemClock,
    observer: silentObserver,
    limits: BATCH_LIMITS,
    newToken: freshToken,
    tracing: noTracing,
    asOf: () => null,
  });
  opening.defer(() => store.close());
  await sessions.opened();
  await answers(store);
  const opened = opening.move();
  return { store: mutation?.store?.(store) ?? store, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** The durability barrier comes before the first answer; on a busy machine it takes longer than a caller is let wait. */
async function answers(store: Store): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await store.peek({ tenant: "default", scope: "opened", key: "opened" }, NEVER);
      return;
    } catch (error) {
      if (tries === 20) throw error;
    }
  }
}

export interface Pair extends AsyncDisposable {
  readonly a: Store;
  readonly b: Store;
  /** A third party, who holds rows and looks on. */
  readonly other: Session;
}

export async function openPair(url: string, mutation: Mutation | null): Promise<Pair> {
  await using opening = new AsyncDisposableStack();
  const { store: a } = opening.use(await openStore(url, mutation));
  const { store: b } = opening.use(await openStore(url, mutation));
  const other = opening.adopt(await openSession({ url, clock: systemClock }), (session) => session.close());
  const opened = opening.move();
  return { a, b, other, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Nobody knows what became of the call; that is an answer which the contract allows, but one that decides no race. */
export function isUnanswered(error: unknown): boolean {
  const { code } = error as Fault;
  return code === "STORE_UNAVAILABLE" || code === "OVERLOADED";
}
