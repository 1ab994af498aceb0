import { setTimeout as sleep } from "node:timers/promises";
import { type Callers, openCallers } from "../calls.ts";
import type { Field, Row } from "../row.ts";
import type { StandServer } from "../stand/stand.ts";
import { spreadOf } from "../witness/spread.ts";
import { openWaiters, type Waiters } from "../witness/waiters.ts";

/**
 * The link of one server's listener loses everything, and nobody is told. Until the server finds out, by a notification
 * of its own that does not arrive, those who wait there are answered by the backstop; then by polling; and from when it
 * listens again by notifications, once what they have missed meanwhile has been read.
 *
 * Who waits longer than the promise allows is judged beside those of the same run who are notified: what the machine is
 * slow by is in both.
 */
export const blackHoledListener: Row = {
  id: "F11",
  fault: "the link of a listener loses everything",
  times: { short: 1, full: 10 },
  async inject(field) {
    using callers = openCallers(field.recorder, "f11");
    const wakes: Wakes = { notified: [], unnoticed: [], polled: [], returning: [] };
    const noticedMs: number[] = [];
    const backMs: number[] = [];
    let recoveries = 0;
    for (let round = 1; round <= field.times; round++) {
      const told = await loseNotifications(field, callers, round, wakes);
      noticedMs.push(told.noticedMs);
      backMs.push(told.backMs);
      if (told.isBack) recoveries++;
      field.say(`listener lost and back, ${round} of ${field.times}: noticed after ${Math.round(told.noticedMs)} ms`);
    }
    tellWakes(field, wakes);
    field.figure({
      ...{ name: "black hole noticed", value: Math.max(...noticedMs), unit: "ms" },
      must: { atMost: NOTICED_MS_MAX },
    });
    field.figure({ name: "notifications back after", value: Math.max(...backMs), unit: "ms" });
    field.figure({
      ...{ name: "recoveries logged", value: recoveries, unit: "" },
      must: { atLeast: field.times },
    });
  },
  control: { kind: "mutant", mutant: "no-probe", fails: /black hole noticed/ },
};

/** In ms, each from an end's answer to that of whoever waited for it. */
interface Wakes {
  readonly notified: number[];
  readonly unnoticed: number[];
  readonly polled: number[];
  readonly returning: number[];
}

const POLLING = "notifications from other servers do not arrive: waiters poll";
const BACK = "notifications from other servers arrive again";

/** A probe every 5 s, for which 2 s are allowed; and what a busy machine adds to two timers. */
const NOTICED_MS_MAX = 7_500;
/** The backstop reads what was not read for 0.8 to 1.2 s. */
const BACKSTOP_P99_MS = 1_300;
const BACKSTOP_MS_MAX = 1_600;
/** Polls are 250 ms apart, and up to a fifth late. */
const POLL_MS_MAX = 400;
const WAITERS = 40;
/** For as long as it can take a listener to come back: to give up on a connection, and to rest before the next. */
const RETURNING = 180;
const APART_MS = 25;
const RETURNING_APART_MS = 40;
const LOOK_MS = 5;
const LOOK_AT_METRICS_MS = 50;
const WAIT_MS_MAX = 15_000;
const PROBED_MS_MAX = 8_000;

async function loseNotifications(field: Field, callers: Callers, round: number, wakes: Wakes) {
  const [here, there] = field.stand.servers;
  if (here === undefined || there === undefined) throw new Error("bug: two servers are needed");
  const [waiting, telling] = [callers.open(here), callers.open(there)];
  const open = (phase: string, count: number): Promise<Waiters> => {
    const names = Array.from({ length: count }, (_, i) => `f11-${round}-${phase}-${i}`);
    return openWaiters({ waiting, telling, scope: field.scope, names });
  };

  wakes.notified.push(...(await (await open("notified", WAITERS)).end({ everyMs: APART_MS })));
  const unnoticed = await open("unnoticed", WAITERS);
  await untilProbed(here);
  return await field.recorder.during({ mark: "trouble" }, async () => {
    const [polling, back] = [count(here, POLLING), count(here, BACK)];
    const heldMs = performance.now();
    here.listener.hold();
    try {
      wakes.unnoticed.push(...(await unnoticed.end({ everyMs: APART_MS })));
      await untilLogged(here, POLLING, polling);
      const noticedMs = performance.now() - heldMs;
      wakes.polled.push(...(await (await open("polled", WAITERS)).end({ everyMs: APART_MS })));

      const returning = await open("returning", RETURNING);
      const releasedMs = performance.now();
      here.listener.release();
      const isAway = () => count(here, BACK) === back;
      wakes.returning.push(...(await returning.end({ everyMs: RETURNING_APART_MS, goesOn: isAway })));
      const isBack = await untilLogged(here, BACK, back);
      return { noticedMs, isBack, backMs: performance.now() - releasedMs };
    } finally {
      here.listener.release();
    }
  });
}

function tellWakes({ figure }: Field, wakes: Wakes): void {
  const healthy = spreadOf(wakes.notified);
  const tell = (name: string, values: readonly number[], bounds: { p99?: number; max?: number }) => {
    const { p99, max } = spreadOf(values);
    figure({ name: `${name}, p99`, value: p99, unit: "ms", ...most(bounds.p99, healthy.p99) });
    figure({ name: `${name}, max`, value: max, unit: "ms", ...most(bounds.max, healthy.max) });
  };
  tell("wake by a notification", wakes.notified, {});
  tell("wake before it is noticed", wakes.unnoticed, { p99: BACKSTOP_P99_MS, max: BACKSTOP_MS_MAX });
  tell("wake once it is noticed", wakes.polled, { max: POLL_MS_MAX });
  tell("wake while the listener returns", wakes.returning, { max: POLL_MS_MAX });
}

function most(bound: number | undefined, slackMs: number) {
  return bound === undefined ? {} : { must: { atMost: Math.ceil(bound + slackMs) } };
}

/** The next probe is then as far away as it can be. There should be one every five seconds. */
async function untilProbed(server: StandServer): Promise<void> {
  const giveUpMs = performance.now() + PROBED_MS_MAX;
  const probes = () => server.metric("holdfast_listener_probe_seconds_count");
  const before = await probes();
  while ((await probes()) === before && performance.now() < giveUpMs) await sleep(LOOK_AT_METRICS_MS);
}

function count({ process: { lines } }: StandServer, message: string): number {
  return lines.filter((line) => line.message === message).length;
}

/** False: not within a quarter of a minute, for which nobody waits any longer. */
async function untilLogged(server: StandServer, message: string, before: number): Promise<boolean> {
  const giveUpMs = performance.now() + WAIT_MS_MAX;
  while (count(server, message) === before) {
    if (performance.now() > giveUpMs) return false;
    await sleep(LOOK_MS);
  }
  return true;
}
