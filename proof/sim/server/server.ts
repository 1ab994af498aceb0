import type { Instant } from "../../../src/domain/instant.ts";
import type { Examiner } from "../judge/port.ts";
import type { Mutation } from "../mutation.ts";
import type { Cluster } from "../postgres/cluster.ts";
import type { VirtualTime } from "../time.ts";
import type { Weather } from "../weather.ts";
import { type Incarnation, openIncarnation } from "./incarnation.ts";

export interface ServerDeps {
  readonly time: VirtualTime;
  readonly cluster: Cluster;
  readonly weather: Weather;
  readonly examiner: Examiner;
  readonly mutation: Mutation;
  readonly name: string;
  /** What this machine takes the time for. */
  readonly wallClock: () => Instant;
  readonly accuse: (what: string) => void;
  readonly tell: (text: string) => void;
}

/** An address at which a server answers, most of the time. */
export interface SimulatedServer {
  readonly name: string;
  /** Null: nobody answers. */
  readonly current: Incarnation | null;
  /** Calls back when it dies, unless it has by then: what was under way on it is lost. */
  onDeath(of: Incarnation, happen: () => void): () => void;
  /** It is killed, and started again after so long. */
  crash(downMs: number): void;
  /** It ends as it should, within so long, and is started again after that. */
  drain(graceMs: number, downMs: number): Promise<void>;
  stall(ms: number): void;
  /** It ends as it should, for good. What it leaves behind is an accusation. */
  stop(): Promise<void>;
}

export function createServer(deps: ServerDeps): SimulatedServer {
  const { time, cluster, mutation, name, accuse, tell } = deps;
  const mourners = new Map<Incarnation, Set<() => void>>();
  let current: Incarnation | null = null;
  /** The one of which all connections are there. */
  let ready: Incarnation | null = null;
  let lives = 0;
  let isStopped = false;

  const start = () => {
    if (isStopped || current !== null) return;
    lives++;
    tell(lives === 1 ? "starts" : "starts again");
    const fresh = openIncarnation(time.process(`${name} (life ${lives})`), deps, mutation.server?.() ?? {});
    current = fresh;
    fresh.opened().then(
      () => {
        if (current === fresh) ready = fresh;
      },
      () => undefined, // It was stopped before.
    );
  };

  const bury = (dead: Incarnation) => {
    dead.process.kill();
    cluster.forget(dead.process);
    if (current === dead) current = null;
    if (ready === dead) ready = null;
    for (const happen of mourners.get(dead) ?? []) happen();
    mourners.delete(dead);
  };

  const end = async (living: Incarnation) => {
    await living.close();
    const left = living.leftovers();
    if (left.length > 0) accuse(`${name} has stopped and leaves behind: ${left.join(", ")}`);
    const timers = time.timersOf(living.process);
    if (timers > 0) accuse(`${name} has stopped and leaves ${timers} timers behind`);
  };

  start();
  return {
    name,
    get current() {
      return ready;
    },
    onDeath(of, happen) {
      const own = mourners.get(of) ?? new Set();
      mourners.set(of, own.add(happen));
      return () => void own.delete(happen);
    },
    crash(downMs) {
      if (current === null) return;
      tell(`crashes, for ${downMs.toFixed(0)} ms`);
      bury(current);
      time.after(downMs, start);
    },
    async drain(graceMs, downMs) {
      const living = current;
      if (living === null) return;
      tell("shuts down");
      living.drain();
      await time.sleep(graceMs);
      if (current !== living) return;
      // Nobody reaches it any more; calls that are under way are cut off.
      current = null;
      ready = null;
      for (const happen of mourners.get(living) ?? []) happen();
      mourners.delete(living);
      // What was cut off goes away first, as it does behind a connection that is closed.
      await time.sleep(1);
      await end(living);
      tell("has shut down");
      bury(living);
      time.after(downMs, start);
    },
    stall(ms) {
      tell(`stands still for ${ms.toFixed(0)} ms`);
      current?.process.stall(ms);
    },
    async stop() {
      isStopped = true;
      if (current === null) return;
      const living = current;
      living.drain();
      await end(living);
      bury(living);
    },
  };
}
