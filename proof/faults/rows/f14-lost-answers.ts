import { setTimeout as sleep } from "node:timers/promises";
import type { Rpc } from "../../../src/client/runtime.ts";
import { openCallers } from "../calls.ts";
import type { Field, Row } from "../row.ts";
import type { StandDatabase, StandServer } from "../stand/stand.ts";
import { type Effect, openLostClaim, openLostEnd, type Trial } from "../witness/lost-answer.ts";
import { lockRecords, type RecordLocks } from "../witness/record-locks.ts";

/**
 * The database receives a statement and commits it, and its answer is lost: it is held back first, and then the
 * connection is cut. That nothing but the answer is lost is made sure of by a lock on the records: the statement is seen
 * to wait for that before answers are held back, and its effect is seen before the connection is cut.
 *
 * One caller in four leaves before the cut and makes the same call again, on this server or on another. The others stay,
 * and are told what their server is told when it sends the statement once more, if it has a connection again within the
 * 250 ms for which it lets them wait.
 */
export const lostAnswers: Row = {
  id: "F14",
  fault: "statements commit, and their answers are lost",
  load: { callers: 12 },
  times: { short: 20, full: 1_000 },
  unjudged: ["V5"],
  async inject(field) {
    using callers = openCallers(field.recorder, "f14");
    const [here, there] = field.stand.servers;
    if (here === undefined || there === undefined) throw new Error("bug: two servers are needed");
    const scene: Scene = { ...field, here, rpcs: [callers.open(here), callers.open(there)] };
    const counts: Counts = { end: createCount(), claim: createCount() };
    const byServer = () => counts.end.byServer + counts.claim.byServer;
    const isDone = () => KINDS.every((kind) => counts[kind].lost >= field.times) && byServer() > 0;
    const roundsMax = Math.ceil((SPARE * field.times) / TRIALS);
    for (let round = 1; round <= roundsMax && !isDone(); round++) {
      await loseAnswers(scene, round, counts);
      if (round % 10 === 0) field.say(`lost ${counts.end.lost} answers to completions, ${counts.claim.lost} to claims`);
    }
    tell(field, "completions", counts.end);
    tell(field, "claims", counts.claim);
    const own = { name: "told by their server's own repeat", value: byServer(), unit: "" };
    field.figure(field.isFull ? { ...own, must: { atLeast: 1 } } : own);
  },
  control: { kind: "mutant", mutant: "M16", fails: /claims told otherwise/ },
};

interface Scene extends Pick<Field, "stand" | "recorder" | "scope"> {
  /** Whose answers get lost. */
  readonly here: StandServer;
  /** Of it, and of another one. */
  readonly rpcs: readonly [Rpc, Rpc];
}

type Kind = "end" | "claim";
const KINDS: readonly Kind[] = ["end", "claim"];

interface Count {
  /** Took effect, and nobody was told. */
  lost: number;
  /** Their callers were answered all the same. */
  byServer: number;
  /** What their callers were told in the end is not what had happened. */
  otherwise: number;
}

type Counts = Readonly<Record<Kind, Count>>;

/** Of each kind, in one round. */
const TRIALS = 10;
/** Some answers are not lost in the end: their lane was busy with others until the lock was gone. */
const SPARE = 4;
/** Two for claims, two for ends. */
const LANES = 4;
const LOOK_MS = 10;
/** Well below the second for which a statement waits for a lock. */
const BLOCKED_MS_MAX = 400;
const COMMITTED_MS_MAX = 1_500;

function createCount(): Count {
  return { lost: 0, byServer: 0, otherwise: 0 };
}

async function loseAnswers(
  { stand, recorder, scope, here, rpcs }: Scene,
  round: number,
  counts: Counts,
): Promise<void> {
  const open = async (kind: Kind, i: number) => {
    const key = { scope, key: `f14-${round}-${kind}-${i}` };
    const options = { key, here: rpcs[0], again: rpcs[i % 8 < 4 ? 0 : 1], leaves: i % 4 === 0 };
    return { kind, ...(await (kind === "end" ? openLostEnd : openLostClaim)(options)) };
  };
  const opening = KINDS.flatMap((kind) => Array.from({ length: TRIALS }, (_, i) => open(kind, i)));
  const trials = await Promise.all(opening);
  const keys = trials.map(({ key }) => key.key);

  const effects = await recorder.during({ mark: "trouble" }, async () => {
    await using locks = await lockRecords(stand.primary, { tenant: "default", scope, keys });
    for (const trial of trials) trial.send();
    await untilBlocked(locks);
    here.database.hold("to-client");
    try {
      await locks.release();
      return await untilCommitted(stand.primary, scope, trials);
    } finally {
      for (const trial of trials) trial.leave();
      here.database.cut();
      here.database.release();
      await Promise.all(trials.map((trial) => trial.told()));
    }
  });
  for (const trial of trials) {
    const effect = effects.get(trial.key.key);
    if (effect === undefined || !trial.hasEffect(effect)) continue;
    const told = await trial.told();
    const count = counts[trial.kind];
    count.lost++;
    if (told.byServer) count.byServer++;
    if (!told.agreesWith(effect)) count.otherwise++;
  }
}

async function untilBlocked(locks: RecordLocks): Promise<void> {
  const giveUpMs = performance.now() + BLOCKED_MS_MAX;
  while ((await locks.blocked()) < LANES && performance.now() < giveUpMs) await sleep(LOOK_MS);
}

/** The records by their keys, once every trial has taken effect, or none will any more. */
async function untilCommitted(
  database: StandDatabase,
  scope: string,
  trials: readonly Trial[],
): Promise<ReadonlyMap<string, Effect>> {
  const giveUpMs = performance.now() + COMMITTED_MS_MAX;
  for (;;) {
    const effects = await readEffects(database, scope, trials);
    const isDone = trials.every(({ key, hasEffect }) => {
      const effect = effects.get(key.key);
      return effect !== undefined && hasEffect(effect);
    });
    if (isDone || performance.now() > giveUpMs) return effects;
    await sleep(LOOK_MS);
  }
}

async function readEffects(
  database: StandDatabase,
  scope: string,
  trials: readonly Trial[],
): Promise<ReadonlyMap<string, Effect>> {
  const keys = trials.map(({ key }) => `'${key.key}'`).join(", ");
  const rows = await database.sql(`
    select key, state, claim_id, encode(lease_token, 'hex') as token, fence::text
      from holdfast.record
     where tenant = 'default' and scope = '${scope}' and key in (${keys})`);
  return new Map(
    rows.map((row) => {
      const { key, state, claim_id, token, fence } = row as Record<string, string>;
      return [
        String(key),
        { state: Number(state), claimId: String(claim_id), token: String(token), fence: BigInt(fence ?? 0) },
      ];
    }),
  );
}

function tell({ figure, times }: Field, what: string, { lost, otherwise }: Count): void {
  figure({ name: `${what} that took effect unanswered`, value: lost, unit: "", must: { atLeast: times } });
  figure({ name: `${what} told otherwise than what had happened`, value: otherwise, unit: "", must: { atMost: 0 } });
}
