import { expect, test } from "vitest";
import type { Session } from "../../../src/store/postgres/connection.ts";
import { ConnectionLost } from "../../../src/store/postgres/errors.ts";
import { openPostgresListener } from "../../../src/waiting/postgres/listener.ts";
import { createManualClock, settled } from "../store/manual-clock.ts";

const ID = "AAAAAAAAAAAAAAAA";

interface FakeSession extends Session {
  /** As the server sends it. */
  deliver(payload: string): void;
  /** Ends by itself. */
  die(cause: Error): void;
  readonly isOver: boolean;
}

function createSession(deliver: (payload: string) => void, refusal: Error | null): FakeSession {
  const over = Promise.withResolvers<Error>();
  let ended: Error | null = null;
  const end = (cause: Error) => {
    ended ??= cause;
    over.resolve(ended);
  };
  return {
    over: over.promise,
    drop: end,
    die: end,
    close: async () => end(new Error("closed")),
    get isOver() {
      return ended !== null;
    },
    deliver(payload) {
      if (ended === null) deliver(payload);
    },
    async query() {
      if (ended !== null) throw new ConnectionLost(ended);
      if (refusal !== null) throw refusal;
      return [];
    },
  };
}

interface Troubles {
  /** Why no connection is to be had. */
  refusing?: Error | null;
  /** Why LISTEN is refused. */
  refusal?: Error | null;
}

/** A listener whose sessions and probes do what the test says. */
function setUp({ refusing = null, refusal = null }: Troubles = {}) {
  const clock = createManualClock();
  const world = {
    ...{ refusing, refusal },
    /** Probes that are sent arrive. */
    delivering: true,
    /** Why probes cannot be sent. */
    unsendable: null as Error | null,
    sessions: [] as FakeSession[],
    attempts: [] as number[],
    probes: [] as string[],
  };
  const told = { listening: [] as boolean[], ids: [] as string[], probed: [] as number[], received: 0 };
  const lines: string[] = [];
  const causes: unknown[] = [];
  const hints: unknown[] = [];
  const listener = openPostgresListener({
    async open(onNotification) {
      world.attempts.push(clock.monotonicMs());
      if (world.refusing !== null) throw world.refusing;
      const session = createSession(onNotification, world.refusal);
      world.sessions.push(session);
      return session;
    },
    notifier: {
      async probe(payload) {
        if (world.unsendable !== null) throw world.unsendable;
        world.probes.push(payload);
        if (world.delivering) world.sessions.at(-1)?.deliver(payload);
      },
    },
    hub: {
      setListening: (isListening) => told.listening.push(isListening),
      notified: (ids) => told.ids.push(...ids),
    },
    clock,
    random: () => 1,
    observer: {
      probed: (ms) => told.probed.push(ms),
      notificationsReceived(ids) {
        told.received += ids;
      },
    },
    log: {
      info: (_fields, message) => lines.push(`info: ${message}`),
      warn({ error, hint }, message) {
        causes.push(error);
        if (hint !== undefined) hints.push(hint);
        lines.push(`warn: ${message}`);
      },
    },
    listenUrl: "postgres://db",
    pollMs: 250,
  });
  return { clock, world, told, lines, causes, hints, listener };
}

const DOWN = "warn: notifications from other servers do not arrive: waiters poll";
const UP = "info: notifications from other servers arrive again";

test("it listens when the first probe has arrived, probes every 5 s, and each probe is another", async () => {
  const { clock, world, told, lines, listener } = setUp();
  world.delivering = false;
  await settled();
  expect(listener.status()).toEqual({ isConnected: true, isListening: false });
  await clock.advance(3);
  world.sessions[0]?.deliver(world.probes[0] ?? "");
  await settled();
  expect(listener.status()).toEqual({ isConnected: true, isListening: true });
  expect(told).toMatchObject({ listening: [true], probed: [3] });
  world.delivering = true;
  await clock.advance(4_999);
  expect(world.probes).toHaveLength(1);
  await clock.advance(1);
  expect(new Set(world.probes).size).toBe(2);
  expect(told).toMatchObject({ listening: [true], probed: [3, 0] });
  expect(lines).toEqual([]);
});

test("a probe is no notification: its length is that of no ids", async () => {
  const { clock, world, told } = setUp();
  await clock.advance(50_000);
  expect(world.probes).toHaveLength(11);
  for (const payload of world.probes) expect(payload.length % ID.length).not.toBe(0);
  world.sessions[0]?.deliver(world.probes[0] ?? ""); // As late as that it is anybody's.
  expect(told.ids).toEqual([]);
});

test("ids go to the hub and are counted; other servers' probes, and what is of no length of ids, are not", async () => {
  const { world, told } = setUp();
  await settled();
  const [session] = world.sessions;
  for (const payload of ["probe 7d0c1c0e-0000-4000-8000-000000000000", "", "A", `${ID}=`, ID, ID + ID]) {
    session?.deliver(payload);
  }
  expect(told).toMatchObject({ ids: [ID, ID, ID], received: 3 });
});

test("a probe that is 2 s overdue ends the session and begins another", async () => {
  const { clock, world, told, lines, causes, hints, listener } = setUp();
  await settled();
  world.delivering = false;
  await clock.advance(5_000 + 1_999);
  expect(told.listening).toEqual([true]);
  await clock.advance(1);
  await settled();
  expect(told.listening).toEqual([true, false]);
  expect(world.sessions[0]?.isOver).toBe(true);
  expect(lines).toEqual([DOWN]);
  expect(causes).toMatchObject([{ message: "a notification of our own did not arrive within 2000 ms" }]);
  expect(hints).toEqual([expect.stringContaining("--listen-url")]);
  world.delivering = true;
  await clock.advance(50);
  expect(world.sessions).toHaveLength(2);
  expect(listener.status().isListening).toBe(true);
  expect(told.listening).toEqual([true, false, true]);
  expect(lines).toEqual([DOWN, UP]);
});

test("a probe that has come to the process in time, but was not read while it was busy, is not overdue", async () => {
  const { clock, world, told, lines } = setUp();
  await settled();
  world.delivering = false;
  clock.turn = async () => world.sessions[0]?.deliver(world.probes[1] ?? "");
  await clock.advance(7_000);
  expect(told).toMatchObject({ listening: [true], probed: [0, 2_000] });
  expect(lines).toEqual([]);
});

test("a session that ends is noticed at once, and so is one that ends during a probe", async () => {
  const { clock, world, told, lines } = setUp();
  await settled();
  world.sessions[0]?.die(new Error("terminated"));
  await settled();
  expect(told.listening).toEqual([true, false]);
  world.delivering = false;
  await clock.advance(50);
  expect(world.probes).toHaveLength(2);
  world.sessions[1]?.die(new Error("terminated again"));
  await settled();
  await clock.advance(100);
  expect(world.sessions).toHaveLength(3);
  expect(lines).toEqual([DOWN]);
});

test.each([
  ["a connection that is refused", "refusing"],
  ["a LISTEN that is refused", "refusal"],
] as const)("%s is tried again, further and further apart up to 5 s, and said once", async (_name, what) => {
  const trouble = new Error("not here");
  const { clock, world, told, lines, causes, hints } = setUp({ [what]: trouble });
  await clock.advance(60_000);
  const pauses = world.attempts.slice(1).map((at, i) => at - (world.attempts[i] ?? 0));
  expect(pauses.slice(0, 9)).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  expect(lines).toEqual([DOWN]);
  expect(causes).toEqual([trouble]);
  expect(hints).toEqual([]);
  expect(told.listening).not.toContain(true);
  world[what] = null;
  await clock.advance(5_000);
  expect(lines).toEqual([DOWN, UP]);
  expect(told.listening.at(-1)).toBe(true);

  const before = world.attempts.length;
  world.sessions.at(-1)?.die(new Error("terminated"));
  await clock.advance(50); // It has listened, so that the pauses begin anew.
  expect(world.attempts).toHaveLength(before + 1);
});

test("a probe that cannot be sent is tried again for as long as it is waited for, and then that is the cause", async () => {
  const { clock, world, told, causes, hints } = setUp();
  world.unsendable = new Error("no connection");
  await clock.advance(1_500);
  expect(causes).toEqual([]);
  world.unsendable = null;
  await clock.advance(100);
  expect(told).toMatchObject({ listening: [true], probed: [1_600] });

  world.unsendable = new Error("no connection");
  await clock.advance(7_000);
  expect(causes).toMatchObject([{ message: /did not arrive/, cause: world.unsendable }]);
  expect(hints, "where the database is away, no other address helps").toEqual([]);
});

test("disposed of, it ends its session, says nothing, tries no more and leaves no timer", async () => {
  const { clock, world, told, lines, listener } = setUp();
  await settled();
  await listener[Symbol.asyncDispose]();
  await settled();
  expect(world.sessions[0]?.isOver).toBe(true);
  expect(told.listening).toEqual([true, false]);
  expect(clock.sleepers).toBe(0);
  await clock.advance(60_000);
  expect(world.attempts).toHaveLength(1);
  expect(lines).toEqual([]);
});

test("disposed of while it connects, it drops the connection that comes", async () => {
  const { clock, world, told, listener } = setUp();
  await listener[Symbol.asyncDispose]();
  await settled();
  expect(world.sessions.map(({ isOver }) => isOver)).toEqual([true]);
  expect(told.listening).not.toContain(true);
  expect(clock.sleepers).toBe(0);
});
