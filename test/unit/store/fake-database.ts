import { DatabaseError } from "pg";
import type { Session } from "../../../src/store/postgres/connection.ts";
import { createEpoch } from "../../../src/store/postgres/epoch.ts";
import { ConnectionLost } from "../../../src/store/postgres/errors.ts";
import { createLanes, type Lanes } from "../../../src/store/postgres/lanes.ts";
import type { ManualClock } from "./manual-clock.ts";

/** A server as far as lanes and epochs see one: sessions that open, answer who they are, and end. */
export interface FakeDatabase {
  readonly sessions: FakeSession[];
  refusing: boolean;
  standby: boolean;
  startedAt: number;
  timeline: number;
  /** null: the role may not ask. */
  systemIdentifier: string | null;
  /** While set, barriers return when it resolves. */
  barrierGate: Promise<void> | null;
  barriers: number;
  open(): Promise<Session>;
}

export interface FakeSession extends Session {
  readonly isOver: boolean;
  /** Ends by itself, as when the server goes. */
  die(): void;
}

export function createFakeDatabase(): FakeDatabase {
  const database: FakeDatabase = {
    sessions: [],
    refusing: false,
    standby: false,
    startedAt: 1,
    timeline: 1,
    systemIdentifier: "7000000000000000001",
    barrierGate: null,
    barriers: 0,
    async open() {
      if (database.refusing) throw new Error("connection refused");
      const session = createSession(database);
      database.sessions.push(session);
      return session;
    },
  };
  return database;
}

function createSession(database: FakeDatabase): FakeSession {
  const over = Promise.withResolvers<Error>();
  let ended: Error | null = null;
  const end = (cause: Error) => {
    ended ??= cause;
    over.resolve(ended);
  };
  const answer = async (name: string): Promise<readonly unknown[]> => {
    switch (name) {
      case "holdfast_identity":
        return [{ standby: database.standby, started_at: database.startedAt, wal_file: walFile(database.timeline) }];
      case "holdfast_cluster":
        if (database.systemIdentifier === null) throw databaseError("42501");
        return [{ system_identifier: database.systemIdentifier }];
      case "holdfast_barrier":
        await Promise.race([database.barrierGate, over.promise]);
        if (ended !== null) throw new ConnectionLost(ended);
        database.barriers++;
        return [];
      default:
        throw new Error(`the fake database knows no ${name}`);
    }
  };
  return {
    over: over.promise,
    drop: end,
    die: () => end(new Error("the server has gone")),
    close: async () => end(new Error("closed")),
    get isOver() {
      return ended !== null;
    },
    async query<Row>(statement: { readonly name: string }) {
      if (ended !== null) throw new ConnectionLost(ended);
      return (await answer(statement.name)) as readonly Row[];
    },
  };
}

function walFile(timeline: number): string {
  return `${timeline.toString(16).padStart(8, "0")}0000000000000001`;
}

/** As the driver throws it. */
export function databaseError(code: string): DatabaseError {
  const error = new DatabaseError(`error ${code}`, 0, "error");
  error.code = code;
  return error;
}

export function createFakeLanes(
  database: FakeDatabase,
  clock: ManualClock,
  count: number,
  random = () => 0.5,
  waitingMax: number | null = null,
  atOnce = 1,
): Lanes {
  return createLanes({ count, open: database.open, epoch: createEpoch(), clock, random, atOnce, waitingMax });
}
