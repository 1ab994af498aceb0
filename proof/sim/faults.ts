import type { Person } from "./people/person.ts";
import type { World } from "./world.ts";

/** Lets things go wrong, each kind at its own pace, until the faulty time is over. */
export function letThingsGoWrong(world: World, people: readonly Person[]): void {
  const { time, weather, cluster, servers, waits, counts, trace } = world;
  const { faults } = weather;

  /** From now until so long after, and a little longer: nobody can be told of anything meanwhile. */
  const disturb = (ms: number) => waits.disturb(time.nowMs() + ms);

  const every = (meanMs: number, happen: () => void) => {
    if (meanMs === 0) return;
    const next = () =>
      time.after(time.between(0, 2 * meanMs), () => {
        if (world.isClosing) return;
        counts.faults++;
        happen();
        next();
      });
    next();
  };

  const tell = (what: string) => trace.tell("database", what);
  /** Until lanes and listeners are back, and have backed off before. */
  const RECONNECT_MS = 3_000;

  every(faults.serverCrashMs, () => {
    const downMs = time.between(10, 1_500);
    time.pick(servers).crash(downMs);
    disturb(downMs + RECONNECT_MS);
  });
  every(faults.serverStallMs, () => {
    const ms = time.between(100, 2_500);
    time.pick(servers).stall(ms);
    disturb(ms + RECONNECT_MS);
  });
  every(faults.serverDrainMs, () => {
    const [graceMs, downMs] = [time.between(0, 500), time.between(0, 500)];
    void time.pick(servers).drain(graceMs, downMs);
    disturb(graceMs + downMs + RECONNECT_MS);
  });
  const failOver = () => {
    // Mostly at once; sometimes it was demoted before, as by an operator who switches over.
    const readOnlyMs = time.chance(0.4) ? time.between(10, 500) : 0;
    if (readOnlyMs > 0) tell(`takes no writes for ${readOnlyMs.toFixed(0)} ms`);
    cluster.demote(readOnlyMs);
    disturb(readOnlyMs);
    time.after(readOnlyMs, () => crash("promote"));
  };
  const crash = (how: "restart" | "promote") => {
    const downMs = time.between(5, 1_500);
    tell(how === "restart" ? `crashes, for ${downMs.toFixed(0)} ms` : `fails over within ${downMs.toFixed(0)} ms`);
    cluster.crash(downMs, how);
    disturb(downMs + RECONNECT_MS);
  };
  every(faults.restartMs, () => crash("restart"));
  every(faults.failoverMs, failOver);
  every(faults.relapseMs, () => {
    tell("has no standby, and will crash");
    cluster.loseStandby(2_500);
    disturb(4_000 + RECONNECT_MS);
    time.after(time.between(20, 600), () => {
      tell("crashes");
      cluster.crash(time.between(5, 50), "restart");
    });
    time.after(time.between(700, 2_000), () => {
      tell("fails over");
      cluster.crash(time.between(5, 500), "promote");
    });
  });
  every(faults.freezeMs, () => {
    const ms = time.chance(0.35) ? time.between(6_000, 20_000) : time.between(50, 2_000);
    tell(`stands still for ${ms.toFixed(0)} ms`);
    cluster.freeze(ms);
    disturb(ms + RECONNECT_MS);
  });
  every(faults.standbyAwayMs, () => {
    const ms = time.between(100, 2_500);
    tell(`has no standby for ${ms.toFixed(0)} ms`);
    cluster.loseStandby(ms);
    disturb(ms + RECONNECT_MS);
  });
  every(faults.fullMs, () => {
    const ms = time.between(100, 1_500);
    tell(`has no room for ${ms.toFixed(0)} ms`);
    cluster.fill(ms);
    disturb(ms + RECONNECT_MS);
  });
  every(faults.clockStepMs, () => {
    const ms = time.chance(0.15) ? time.between(5_000, 90_000) : time.between(-2_000, 3_000);
    tell(`sets its clock by ${ms.toFixed(0)} ms`);
    cluster.stepClock(ms);
    disturb(RECONNECT_MS);
  });
  every(faults.terminateMs, () => {
    const sessions = [...cluster.sessions];
    if (sessions.length === 0) return;
    const session = time.pick(sessions);
    tell(`ends the session of ${session.backend.name}`);
    session.end(new Error("terminating connection due to administrator command"));
    disturb(RECONNECT_MS);
  });
  every(faults.deafMs, () => {
    const listeners = [...cluster.sessions].filter(({ backend }) => backend.isListening);
    if (listeners.length === 0) return;
    const session = time.pick(listeners);
    tell(`is not heard any more by ${session.backend.name}`);
    session.mute();
  });
  every(faults.callerDeathMs, () => time.pick(people).die());
  every(faults.callerStallMs, () => {
    const ms = time.between(100, 3_000);
    time.pick(people).stall(ms);
    disturb(ms);
  });
}
