import type { Instant } from "../../../src/domain/instant.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import type { VirtualTime } from "../time.ts";
import type { Change } from "./cause.ts";
import { databaseError } from "./error.ts";
import type { Flaw } from "./flaw.ts";
import type { Locker, Locks } from "./locks.ts";
import { rowOf } from "./row.ts";
import type { Running } from "./running.ts";
import { READS, STATEMENTS } from "./statements.ts";
import type { Storage } from "./storage.ts";

/** What all backends of a database share. */
export interface BackendDeps {
  readonly time: VirtualTime;
  readonly storage: Storage;
  readonly locks: Locks<Transaction>;
  readonly flaws: ReadonlySet<Flaw>;
  /** Between one step of a statement and the next: as long as the database stands still, and a little more. */
  readonly step: () => Promise<void>;
  readonly clock: () => Instant;
  readonly isFull: () => boolean;
  /** It is no primary any more: it takes no writes. */
  readonly isDemoted: () => boolean;
  /** Others are in the way of this transaction: it is rolled back. */
  readonly isContended: () => boolean;
  readonly notify: (payload: string) => void;
  readonly staleRead: (row: string) => StoredRecord | null;
  readonly identity: () => Readonly<Record<string, unknown>>;
}

export type Answer = { readonly rows: readonly unknown[] } | { readonly error: Error };

/** The server's side of one session: statements one after the other, each in a transaction of its own unless one is begun. */
export interface Backend {
  readonly name: string;
  readonly isListening: boolean;
  /** @param answer called once, unless it is killed before */
  submit(statement: string, values: readonly unknown[], answer: (answer: Answer) => void): void;
  /** The client has gone: what is under way goes on to its end, what has arrived behind it begins or does not. */
  hangUp(): void;
  /** It ends where it is: what is not committed is not, and what is being committed may be. */
  kill(): void;
}

export interface Transaction extends Locker {
  readonly changes: Change[];
  fenceFloor: bigint | null;
  auditSequence: bigint | null;
  isLazy: boolean;
}

/** As `SESSION_SETTINGS` has them. */
const LOCK_TIMEOUT_MS = 1_000;
const STATEMENT_TIMEOUT_MS = 3_000;
/** Of the clients that go: whose statements are read to the last, for they had come before the end of the connection. */
const READ_ON_SHARE = 0.5;

/** A new one each time: whoever awaits one promise for all runs is kept by it, and its whole world with it. */
const never = () => new Promise<never>(() => undefined);

export function createBackend(name: string, deps: BackendDeps): Backend {
  const { time, storage, locks, flaws } = deps;
  const queue: { statement: string; values: readonly unknown[]; answer: (answer: Answer) => void }[] = [];
  /** Begun by a statement of its own. */
  let begun: Transaction | null = null;
  /** Of the statement that runs, and not being committed yet. */
  let current: Transaction | null = null;
  let isRunning = false;
  let isAlive = true;
  let isHungUp = false;
  let isListening = false;

  const alive = async <T>(step: Promise<T>): Promise<T> => {
    try {
      const done = await step;
      return isAlive ? done : await never();
    } catch (error) {
      if (isAlive) throw error;
      return await never();
    }
  };

  const step = async (startedMs: number) => {
    await alive(deps.step());
    if (time.nowMs() - startedMs > STATEMENT_TIMEOUT_MS) throw databaseError("57014");
  };

  const open = (): Transaction => ({ name, changes: [], fenceFloor: null, auditSequence: null, isLazy: false });

  const commit = async (tx: Transaction, isLogged: boolean) => {
    current = null;
    const { changes, fenceFloor, auditSequence, isLazy } = tx;
    if (changes.length > 0 || isLogged) {
      const draft = { changes, fenceFloor, auditSequence, isLazy };
      const acknowledged = storage.commit(draft);
      // Whatever becomes of the session: the locks go when it is done.
      await acknowledged.then(() => locks.release(tx));
    } else locks.release(tx);
  };

  const runningOf = (tx: Transaction, startedMs = time.nowMs()): Running => ({
    now: deps.clock,
    rowOf: (key) => rowOf(key, flaws),
    read(row) {
      const own = tx.changes.findLast((change) => change.row === row);
      if (own !== undefined) return own.record;
      return flaws.has("stale-reads") && tx.isLazy ? deps.staleRead(row) : storage.read(row);
    },
    rows: () => [...storage.rows()].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    async lock(row) {
      await step(startedMs);
      const cancel = time.after(LOCK_TIMEOUT_MS, () => locks.abandon(tx, databaseError("55P03")));
      try {
        await alive(locks.take(tx, row));
      } finally {
        cancel();
      }
    },
    isFree: (row) => locks.isFree(tx, row),
    write: (change) => void tx.changes.push(change),
    get fenceFloor() {
      return storage.fenceFloor;
    },
    raiseFloor(fence) {
      if (tx.fenceFloor === null || tx.fenceFloor < fence) tx.fenceFloor = fence;
    },
    nextAuditSequence() {
      tx.auditSequence = storage.auditSequence + 1n;
      return tx.auditSequence;
    },
    makeLazy() {
      tx.isLazy = true;
    },
    pause: () => step(startedMs),
    order(count) {
      const order = Array.from({ length: count }, (_, i) => i);
      return flaws.has("unordered-locks") ? shuffled(order, time) : order;
    },
    has: (flaw) => flaws.has(flaw),
  });

  const control = async (statement: string, values: readonly unknown[]): Promise<readonly unknown[] | null> => {
    switch (statement) {
      case "holdfast_identity":
        return [deps.identity()];
      case "holdfast_cluster":
        return [{ system_identifier: "7000000000000000001" }];
      case "holdfast_barrier":
        await alive(commit(open(), true));
        return [];
      case "holdfast_listen":
        isListening = true;
        return [];
      case "notify":
        for (const payload of values[0] as readonly string[]) deps.notify(payload);
        return [];
      case "begin":
        begun = open();
        return [];
      case "commit": {
        const tx = begun;
        begun = null;
        if (tx !== null) await alive(commit(tx, false));
        return [];
      }
      case "rollback":
        if (begun !== null) locks.release(begun);
        begun = null;
        return [];
      default:
        return null;
    }
  };

  const execute = async (statement: string, values: readonly unknown[], answer: (answer: Answer) => void) => {
    if (deps.isFull() && !READS.has(statement)) throw databaseError("53100");
    if (deps.isDemoted() && !READS.has(statement)) throw databaseError("25006");
    const controlled = await control(statement, values);
    if (controlled !== null) return answer({ rows: controlled });
    const run = STATEMENTS[statement];
    if (run === undefined) throw new Error(`the database knows no statement ${statement}`);
    const outer = begun;
    const tx = outer ?? open();
    current = tx;
    try {
      if (statement === "peek") tx.isLazy = true; // Where it reads from is looked at by that.
      const rows = await alive(run(runningOf(tx), values));
      if (tx.changes.length > 0 && deps.isContended()) throw databaseError("40001");
      if (flaws.has("early-answers") && statement === "finish") answer({ rows });
      if (outer === null) await alive(commit(tx, false));
      answer({ rows });
    } finally {
      current = null;
      // One that was begun is over when the client has gone.
      if (outer === null || outer !== begun) locks.release(tx);
    }
  };

  const runAll = async () => {
    isRunning = true;
    for (let next = queue.shift(); next !== undefined && isAlive; next = queue.shift()) {
      const { statement, values, answer } = next;
      let isAnswered = false;
      const once = (given: Answer) => {
        if (!isAnswered && isAlive) answer(given);
        isAnswered = true;
      };
      await deps.step();
      if (!isAlive) return;
      await execute(statement, values, once).catch((error: Error) => once({ error }));
    }
    isRunning = false;
  };

  const end = () => {
    if (!isHungUp && !time.chance(READ_ON_SHARE)) queue.length = 0;
    isHungUp = true;
    if (begun !== null && begun !== current) locks.release(begun);
    begun = null;
    isListening = false;
  };

  return {
    name,
    get isListening() {
      return isListening;
    },
    submit(statement, values, answer) {
      if (isHungUp) return;
      queue.push({ statement, values, answer });
      if (!isRunning) void runAll();
    },
    hangUp: end,
    kill() {
      isAlive = false;
      queue.length = 0;
      end();
      if (current === null) return;
      locks.abandon(current, new Error("the session was ended"));
      locks.release(current);
    },
  };
}

function shuffled<T>(list: readonly T[], { random }: Pick<VirtualTime, "random">): readonly T[] {
  return list
    .map((element) => ({ element, lot: random() }))
    .sort((a, b) => a.lot - b.lot)
    .map(({ element }) => element);
}
