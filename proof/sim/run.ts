import type { Instant } from "../../src/domain/instant.ts";
import type { RecordKey } from "../../src/domain/key.ts";
import { letThingsGoWrong } from "./faults.ts";
import { createHolders } from "./judge/holders.ts";
import { createJudge, nameOf } from "./judge/judge.ts";
import { createExaminer } from "./judge/port.ts";
import { createWaits } from "./judge/waits.ts";
import type { Mutation } from "./mutation.ts";
import { peopleOf } from "./people/people.ts";
import { createPerson, type Person } from "./people/person.ts";
import { closer } from "./people/worker.ts";
import { createCluster } from "./postgres/cluster.ts";
import type { Fate } from "./postgres/session.ts";
import { createServer } from "./server/server.ts";
import { createVirtualTime, type Process } from "./time.ts";
import { createTrace } from "./trace.ts";
import { type Faults, NOTHING, TENANTS, type Weather, type WeatherName, weatherOf } from "./weather.ts";
import { type Counts, createGhosts, noCounts, type World } from "./world.ts";

export interface Run {
  readonly seed: number;
  readonly weather: Weather["name"];
  /** What went wrong first; null if nothing did. */
  readonly fault: string | null;
  readonly counts: Counts;
  readonly events: number;
  /** In virtual time. */
  readonly ms: number;
  /** Step by step, if that was asked for. */
  readonly trace: readonly string[];
}

export interface RunOptions {
  readonly mutation?: Mutation;
  /** Null: whichever the seed has. */
  readonly weather?: WeatherName | null;
  readonly isTraced?: boolean;
}

const STARTING_MS_MAX = 40_000;
/** From when nothing goes wrong any more to when everybody has an answer; then to when every record has ended. */
const LEAVING_MS_MAX = 90_000;
const CLOSING_MS_MAX = 90_000;
const STOPPING_MS_MAX = 20_000;
/** Of choices of a key. */
const NEW_KEY_SHARE = 0.15;
/** Between two looks at who waits too long. */
const LOOK_MS = 20;
/** From when nothing goes wrong any more to when all connections are back. */
const RECONNECT_MS = 3_000;
/** A machine's own clock against the database's. */
const WALL_CLOCK_OFF_MS = 700;

/** Servers, their callers and their database, in a world that the seed decides in every detail. The same seed is the same run. */
export async function simulate(seed: number, options: RunOptions = {}): Promise<Run> {
  const { mutation = {}, isTraced = false } = options;
  const time = createVirtualTime(seed);
  const weather = weatherOf(time, options.weather ?? null);
  const trace = createTrace(time.nowMs, isTraced);
  const flaws = new Set(mutation.flaw === undefined ? [] : [mutation.flaw]);
  const counts = noCounts();
  let isClosing = false;
  const faults = (): Faults => (isClosing ? NOTHING : weather.faults);

  const latencyMs = () => time.between(0, time.chance(weather.slowShare) ? weather.slowMs : 1);
  const fateOf = (statement: string): Fate => {
    const { cutBefore, cutAfter, muted } = faults();
    const lot = cutBefore + cutAfter + muted > 0 ? time.random() : 1;
    if (lot >= cutBefore + cutAfter + muted) return "well";
    counts.faults++;
    const isCut = lot < cutBefore + cutAfter;
    // A server waits for its barrier longer than for anything else, whatever its other connections could tell it.
    waits.disturb(time.nowMs() + (isCut ? 1_000 : statement === "holdfast_barrier" ? 33_000 : 8_000));
    return lot < cutBefore ? "cut-before" : lot < cutBefore + cutAfter ? "cut-after" : "muted";
  };

  let databaseNow: () => Instant = () => 0;
  const judge = createJudge({
    time,
    isClockKept: weather.faults.clockStepMs === 0,
    databaseNow: () => databaseNow(),
    tell: (text) => trace.tell("judge", text),
  });
  const { clockStepMs, restartMs, failoverMs, relapseMs } = weather.faults;
  const holders = createHolders({ time, judge, isLeaseKept: clockStepMs + restartMs + failoverMs + relapseMs === 0 });
  const cluster = createCluster({
    ...{ time, flaws, latencyMs, fateOf },
    observer: {
      changed(change) {
        trace.tell("database", `${change.cause.kind}: ${nameOf(change.key)} is ${change.record?.state ?? "deleted"}`);
        judge.changed(change);
        holders.changed(change);
      },
      restored(key, record) {
        trace.tell("database", `${nameOf(key)} is as it was before: ${record?.state ?? "absent"}`);
        judge.restored(key, record);
      },
    },
    flushMs: () => time.between(0.1, weather.flushMsMax),
    isContended: () => time.chance(faults().contended),
    isLost: () => time.chance(faults().notificationLost),
    tell: (text) => trace.tell("database", text),
  });
  databaseNow = cluster.now;
  const waits = createWaits({
    judge,
    nowMs: time.nowMs,
    databaseNow,
    boundMs: () => weather.boundMs,
    hasBackstop: weather.waiting.backstopMs < Number.POSITIVE_INFINITY,
  });
  const examiner = createExaminer({ time, judge, databaseNow, acquired: waits.acquired });
  const servers = Array.from({ length: weather.servers }, (_, index) => {
    const name = `server ${index + 1}`;
    const offMs = time.between(-WALL_CLOCK_OFF_MS, WALL_CLOCK_OFF_MS);
    const wallClock = () => cluster.now() + Math.trunc(offMs * 1_000);
    return createServer({
      ...{ time, cluster, weather, examiner, mutation, name, wallClock, accuse: judge.accuse },
      tell: (text) => trace.tell(name, text),
    });
  });

  const keys = [...weather.keys];
  const anyKey = (): RecordKey => {
    if (!isClosing && time.chance(NEW_KEY_SHARE)) {
      keys.push({ tenant: time.pick(TENANTS), scope: "jobs", key: `${keys.length}` });
    }
    return time.pick(keys.slice(-weather.keys.length));
  };

  const connections = new Map<Process, Set<() => void>>();
  const world: World = {
    ...{
      time,
      weather,
      mutation,
      cluster,
      servers,
      judge,
      examiner,
      waits,
      holders,
      trace,
      faults,
      latencyMs,
      counts,
      anyKey,
    },
    ghosts: createGhosts(),
    get isClosing() {
      return isClosing;
    },
    hangUp(caller) {
      for (const happen of connections.get(caller) ?? []) happen();
      connections.delete(caller);
    },
    onHangUp(caller, happen) {
      const own = connections.get(caller) ?? new Set();
      connections.set(caller, own.add(happen));
      return () => void own.delete(happen);
    },
  };

  let lookedMs = 0;
  const isWrong = (): boolean => {
    if (time.nowMs() - lookedMs >= LOOK_MS) {
      lookedMs = time.nowMs();
      waits.look();
    }
    if (cluster.deadlocks > 0) judge.accuse("transactions wait for each other");
    return judge.accusation !== null;
  };
  const until = async (isOver: () => boolean, msMax: number, late: () => string) => {
    if (judge.accusation !== null) return;
    const lastMs = time.nowMs() + msMax;
    const end = await time.run(() => isWrong() || isOver() || time.nowMs() > lastMs);
    if (judge.accusation === null && !isOver())
      judge.accuse(end === "idle" ? `${late()}, and nothing happens` : late());
  };

  /** Sees every record to its end, and every server to its own. */
  const close = async () => {
    if (judge.accusation !== null) return;
    const closers = judge.keys.map((key, i) => createPerson(world, `closer ${i + 1}`, closer(key)));
    const areDone = () => closers.every(({ isDone }) => isDone);
    await until(areDone, CLOSING_MS_MAX, () => "a record does not come to an end");
    if (judge.accusation !== null) return;
    let stopped = 0;
    for (const server of servers) void server.stop().then(() => stopped++);
    await until(
      () => stopped === servers.length,
      STOPPING_MS_MAX,
      () => "a server does not stop",
    );
    if (judge.accusation !== null) return;
    await time.run(() => false);
    const held = cluster.held();
    if (held.length > 0) judge.accuse(`stays locked: ${held.join(", ")}`);
    if (waits.open > 0) judge.accuse(`${waits.open} calls are still open`);
  };

  const onRejection = (error: unknown) =>
    judge.accuse(`nobody has handled: ${error instanceof Error ? error.stack : String(error)}`);
  process.on("unhandledRejection", onRejection);
  try {
    await until(
      () => servers.every(({ current }) => current !== null),
      STARTING_MS_MAX,
      () => "a server does not start",
    );
    const people = peopleOf(world);
    const areGone = (persons: readonly Person[]) => () => persons.every(({ isDone }) => isDone);
    letThingsGoWrong(world, people);
    await until(
      () => time.nowMs() >= weather.faultyMs,
      weather.faultyMs + 1,
      () => "the time does not pass",
    );
    isClosing = true;
    waits.disturb(time.nowMs() + RECONNECT_MS);
    trace.tell("everybody", "nothing goes wrong from here on");
    await until(
      areGone(people),
      LEAVING_MS_MAX,
      () => `${people.filter(({ isDone }) => !isDone).length} wait for ever`,
    );
    await close();
  } finally {
    process.off("unhandledRejection", onRejection);
  }
  const { accusation } = judge;
  return {
    seed,
    weather: weather.name,
    fault: accusation,
    counts,
    events: time.happened,
    ms: time.nowMs(),
    trace: trace.lines,
  };
}
