import { setTimeout as sleep } from "node:timers/promises";
import { FailKind } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { Rpc } from "../../../src/client/runtime.ts";
import { type Callers, claimOf, handleOf, LONG, openCallers } from "../calls.ts";
import { openCrowds } from "../crowd.ts";
import type { Field, Row } from "../row.ts";
import { type Answers, startFlood } from "../witness/flood.ts";
import { startHolders } from "../witness/holders.ts";
import { lockRecords } from "../witness/record-locks.ts";
import { spreadOf } from "../witness/spread.ts";

/**
 * A hundred records of one tenant are locked from a psql prompt while that tenant floods a server with claims, of these
 * and of others: both lanes of claims wait for the locks again and again, and its half of the queue fills. Whoever finds
 * no room is told so at once, heartbeats go on in a lane of their own, and another tenant that floods the server too has
 * its part of what is answered, and is not refused for want of room.
 *
 * What a shed call or a heartbeat may take is judged beside the heartbeats of the same run while nothing is locked and
 * the other tenant is at it alone: what the slowest of those took is what the machine may be slow by. By their medians:
 * where servers, database and callers share a few cores, the slowest tell of those.
 */
export const lockedRecords: Row = {
  id: "F17",
  fault: "both lanes of claims blocked by locks from psql, under a flood",
  stand: { servers: 2, serverArgs: ["--max-queue-calls", "400"], tenants: ["crowd", "guest"] },
  load: { callers: 12 },
  times: { short: 1, full: 5 },
  unjudged: ["V5"],
  async inject(field) {
    using callers = openCallers(field.recorder, "f17");
    const seen: Seen = { healthyMs: [], beatMs: [], shedMs: [], failedBeats: 0, blocked: 0, crowd: [], guests: [] };
    for (let round = 1; round <= field.times; round++) {
      await floodBehindLocks(field, callers, round, seen);
      field.say(`lanes blocked ${round} of ${field.times} times`);
    }
    tell(field, seen);
  },
  control: { kind: "mutant", mutant: "shared-lane", fails: /heartbeat/ },
};

const LOCKED = 100;
const LOCKED_MS = { short: 5_000, full: 20_000 };
const HEALTHY_MS = 1_500;
/** More than a tenant's half of the queue, which is 100 calls for each lane; every other one wants what is locked. */
const CROWD = 300;
const CROWD_LOCKED = 150;
/** As many as there can be of the crowd in the queue for what is not locked, and all of them may wait for one lane. */
const GUESTS = 96;
const HOLDERS = 4;
const BEAT_MS = 50;
const LOOK_MS = 50;
/** After which those who begin all at once have been answered once, or wait. */
const RAMP_MS = 1_000;
const CROWD_REST = { always: 0, refused: 200 };
const GUEST_REST = { always: 200, refused: 200 };
const ONLOOKERS = 2;

const SHED_MS_MAX = 50;
const BEAT_MS_MAX = 100;
const SHARE_MIN = 40;
const FAILED_PERCENT_MAX = 1;

interface Seen {
  readonly healthyMs: number[];
  readonly beatMs: number[];
  readonly shedMs: number[];
  failedBeats: number;
  /** Statements that waited for the locks at one time. */
  blocked: number;
  readonly crowd: Answers[];
  readonly guests: Answers[];
}

async function floodBehindLocks(field: Field, callers: Callers, round: number, seen: Seen): Promise<void> {
  const { stand, recorder, scope, isFull } = field;
  const [server] = stand.servers;
  if (server === undefined) throw new Error("bug: a server is needed");
  const rpc = callers.open(server);
  const keyOf = (tenant: string, what: string, ...numbers: readonly number[]) => ({
    ...{ tenant, scope, key: ["f17", round, what, ...numbers].join("-") },
  });
  const locked = Array.from({ length: LOCKED }, (_, i) => keyOf("crowd", "locked", i));
  const lockedOf = (i: number) => locked[i % LOCKED] as (typeof locked)[number];
  await Promise.all(locked.map((key) => makeAvailable(rpc, key)));
  const held = Array.from({ length: HOLDERS }, (_, i) => keyOf("guest", "held", i));
  const holders = await startHolders(callers.open(server), held, { everyMs: BEAT_MS });

  const [crowd] = await openCrowds(callers, [server], CROWD);
  const [guests] = await openCrowds(callers, [server], GUESTS);
  if (crowd === undefined || guests === undefined) throw new Error("bug: no crowd");
  const floodOfGuests = (phase: string) =>
    startFlood({
      ...{ callers: GUESTS, rpcOf: () => guests.next(), restMs: GUEST_REST },
      keyOf: (caller, turn) => keyOf("guest", phase, caller, turn),
    });
  const healthy = floodOfGuests("healthy");
  await sleep(RAMP_MS);
  holders.take();
  await sleep(HEALTHY_MS);
  seen.healthyMs.push(...holders.take());
  await healthy.stop();

  await recorder.during({ mark: "trouble" }, async () => {
    const keys = locked.map(({ key }) => key);
    await using locks = await lockRecords(stand.primary, { tenant: "crowd", scope, keys });
    const flood = startFlood({
      ...{ callers: CROWD, rpcOf: () => crowd.next(), restMs: CROWD_REST },
      keyOf: (caller, turn) =>
        caller < CROWD_LOCKED ? lockedOf(caller + turn) : keyOf("crowd", "other", caller, turn),
    });
    const guestsNow = floodOfGuests("locked");
    // What is measured is the server, not a caller that begins with hundreds of calls.
    await sleep(RAMP_MS);
    const onlookers = startFlood({
      ...{ callers: ONLOOKERS, rpcOf: () => rpc, restMs: { always: LOOK_MS, refused: 0 } },
      keyOf: (caller, turn) => keyOf("crowd", "onlooker", caller, turn),
    });
    holders.take();
    const untilMs = performance.now() + (isFull ? LOCKED_MS.full : LOCKED_MS.short);
    while (performance.now() < untilMs) {
      seen.blocked = Math.max(seen.blocked, await locks.blocked());
      await sleep(LOOK_MS);
    }
    seen.beatMs.push(...holders.take());
    seen.shedMs.push(...onlookers.answers.shedMs);
    seen.crowd.push({ ...flood.answers });
    seen.guests.push({ ...guestsNow.answers });
    await locks.release();
    await Promise.all([flood.stop(), guestsNow.stop(), onlookers.stop()]);
  });
  seen.failedBeats += await holders.stop();
}

/** A record that the next claim takes, and so waits for: claims of what is held read it only. */
async function makeAvailable(rpc: Rpc, key: ReturnType<typeof claimOf>["key"]): Promise<void> {
  const handle = handleOf(await rpc.claim(claimOf(key), LONG));
  await rpc.fail({ handle, kind: FailKind.NOT_STARTED }, LONG);
}

function tell({ figure }: Field, seen: Seen): void {
  const sum = (all: readonly Answers[], of: (answers: Answers) => number) =>
    all.reduce((total, one) => total + of(one), 0);
  const healthy = spreadOf(seen.healthyMs);
  const beats = spreadOf(seen.beatMs);
  const shed = spreadOf(seen.shedMs);
  const slackMs = Math.ceil(healthy.p99);
  figure({ name: "statements behind the locks at one time", value: seen.blocked, unit: "", must: { atLeast: 2 } });
  figure({ name: "heartbeat without locks, p99", value: healthy.p99, unit: "ms" });
  figure({ name: "heartbeat, p50", value: beats.p50, unit: "ms", must: { atMost: BEAT_MS_MAX + slackMs } });
  figure({ name: "heartbeat, p99", value: beats.p99, unit: "ms" });
  figure({ name: "heartbeats failed", value: seen.failedBeats, unit: "", must: { atMost: 0 } });
  figure({ name: "calls shed", value: sum(seen.crowd, (answers) => answers.shed), unit: "", must: { atLeast: 1 } });
  figure({ name: "shed answer, p50", value: shed.p50, unit: "ms", must: { atMost: SHED_MS_MAX + slackMs } });
  figure({ name: "shed answer, p99", value: shed.p99, unit: "ms" });
  const crowd = sum(seen.crowd, ({ answered }) => answered);
  const guests = sum(seen.guests, ({ answered }) => answered);
  const share = (100 * guests) / Math.max(1, crowd + guests);
  figure({
    name: "the other tenant's share of what is answered",
    value: share,
    unit: "%",
    must: { atLeast: SHARE_MIN },
  });
  figure({ name: "the other tenant's calls answered", value: guests, unit: "", must: { atLeast: 1 } });
  figure({
    name: "of the other tenant shed",
    value: sum(seen.guests, ({ shed }) => shed),
    unit: "",
    must: { atMost: 0 },
  });
  const failed = sum(seen.guests, (answers) => answers.failed.get("Unavailable") ?? 0);
  const failedMax = Math.floor((FAILED_PERCENT_MAX * guests) / 100);
  figure({ name: "of the other tenant unavailable", value: failed, unit: "", must: { atMost: failedMax } });
}
