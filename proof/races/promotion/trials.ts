import { systemClock } from "../../../src/clock.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import { finishOf } from "../../../test/support/records.ts";
import type { Scene } from "../race.ts";
import { holdAll, NEVER } from "../stand/records.ts";
import { until } from "../stand/rows.ts";
import type { Server } from "../stand/server.ts";
import { type Caller, claimAndEnd, createCaller, type Gone, type Manner } from "./callers.ts";
import { judge, type Went } from "./judge.ts";

export interface Stage {
  /** Where the one waits who leaves. */
  readonly a: Server;
  readonly b: Server;
}

const AT_ONCE = 128;
/** One in so many who leave comes again. */
const COMES_AGAIN = 3;

/** What the caller that leaves has in its eye. */
type Moment = "release" | "claim" | "answer";
const MOMENTS: readonly Moment[] = ["release", "claim", "answer"];

/** Released and left at about the same time; or left when its claim is sent, or when it is answered, or a little later. */
export async function raceFreely(scene: Scene, stage: Stage, onEnd: (went: Went) => void): Promise<void> {
  const { chance, trials, tally } = scene;
  // About twice as long as a promotion takes, which is for the machine to say.
  let spreadMs = 20;
  for (let played = 0; played < trials && !tally.isOver; played += AT_ONCE) {
    const records = await holdAll(stage.b.dying, Math.min(AT_ONCE, trials - played));
    const leavers = records.map((record) => placeLeaver(scene, stage, record));
    await until(() => stage.a.hub.status().waiters + stage.b.hub.status().waiters === 2 * records.length);
    const all = leavers.map(async (leaver) => {
      await systemClock.sleep(chance.between(0, 5));
      const went = await leaver.run(chance.between(0, spreadMs));
      if (went !== null) onEnd(went);
      return leaver.moment === "release" && went !== null ? went.leaver.going === "left-first" : null;
    });
    const wasFirst = (await Promise.all(all)).filter((was) => was !== null);
    spreadMs *= wasFirst.filter((was) => was).length < wasFirst.length / 2 ? 0.8 : 1.25;
  }
  tally.figure("spread of the leaving at last, in ms", Math.round(spreadMs));
}

interface Leaver {
  readonly moment: Moment;
  /** The holder releases the record; resolves when everybody who calls about it has an answer. */
  run(leaveMs: number): Promise<Went | null>;
}

function placeLeaver(scene: Scene, { a, b }: Stage, record: StoredRecord): Leaver {
  const { chance } = scene;
  const { key } = record;
  const moment = chance.pick(MOMENTS);
  const isComing = chance.whole(1, COMES_AGAIN) === 1;
  const left = Promise.withResolvers<void>();
  const leave = () => {
    caller.leave();
    left.resolve();
  };
  const turnsToLeave = chance.whole(0, 4);
  const leaveSoon = async () => {
    for (let turn = 0; turn < turnsToLeave; turn++) await systemClock.turn();
    leave();
  };
  const onTold = () => void (moment === "answer" && leaveSoon());
  const manner = { turns: chance.whole(0, 2), onTold };
  const { caller, leaver, stayer } = waitBoth(record, a, chance.pick([a, a, b]), manner);
  // Who is not promoted has nothing to leave.
  leaver.then(() => left.resolve()).catch(() => undefined);
  const again = left.promise.then(() => (caller.hasLeft && isComing ? comeAgain(b, key) : null));

  return {
    moment,
    async run(leaveMs) {
      if (moment === "claim") {
        const sent = a.stops.stop("before", "claim", key);
        void sent.reached.then(sent.go).then(leaveSoon);
      }
      if (moment === "release") void systemClock.sleep(leaveMs).then(leave);
      await release(chance.pick([a, b]), record);
      return judge(scene, a, { key, leaver, again, stayer });
    },
  };
}

export interface Waiting {
  readonly caller: Caller;
  readonly leaver: Promise<Gone>;
  readonly stayer: Promise<Gone>;
}

/** The one who leaves comes first, so that where both wait on one server it is promoted. */
export function waitBoth(
  { key }: StoredRecord,
  a: Server,
  staysOn: Server,
  manner: Omit<Manner, "caller"> = {},
): Waiting {
  const caller = createCaller();
  const leaver = claimAndEnd(a, key, "leaver", { ...manner, caller });
  const stayer = claimAndEnd(staysOn, key, "stayer", { caller: createCaller() });
  for (const call of [leaver, stayer]) call.catch(() => undefined);
  return { caller, leaver, stayer };
}

export function comeAgain(server: Server, key: RecordKey, work?: () => Promise<void>): Promise<Gone> {
  return claimAndEnd(server, key, "leaver", { caller: createCaller(), ...(work && { work }) });
}

/** The holder has not begun. */
export async function release({ store }: Server, { key, lease: proof }: StoredRecord): Promise<void> {
  await store.finish(finishOf({ key, proof, kind: "not-started" }), NEVER);
}
