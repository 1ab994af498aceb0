import { attemptsUsedUp, type StoredRecord } from "../../../src/domain/record.ts";
import { type ClaimDecision, decideClaim, settle } from "../../../src/domain/reducer/claim.ts";
import { decideFinish } from "../../../src/domain/reducer/finish.ts";
import { claimCallOf, finishCallOf, giveBackOf } from "./calls.ts";
import { hears, isForCallerAlone, tell } from "./telling.ts";
import { notifyAll, ringAt } from "./wake-ups.ts";
import {
  type Call,
  clientOf,
  type Rules,
  recordOf,
  START,
  type Step,
  type World,
  withCall,
  withClient,
  withRecord,
} from "./world.ts";

/** What calls do in servers, one statement or one snapshot at a time. The verdicts are the reducer's. */
export function callSteps(world: World, rules: Rules): Step[] {
  return world.calls.flatMap((call) => {
    const next = advance(world, rules, call);
    return next === null ? [] : [{ words: wordsOf(call, rules), next: toldAtOnce(next, rules) }];
  });
}

/** What a call came to, if only its caller has to hear of it. */
function toldAtOnce(world: World, rules: Rules): World {
  const last = world.calls.at(-1);
  return last !== undefined && isForCallerAlone(last, rules) ? tell(world, rules, last) : world;
}

const DOING = {
  read: "reads for the claim",
  insert: "inserts for the claim",
  reclaim: "reads again for the claim",
  take: "takes, if it is as it was read, for the claim",
  commit: "commits the end",
  "too-late": "commits, after all, the end",
  tell: "passes on and answers the call",
  wait: "waits with the call",
} as const satisfies Record<Call["step"], string>;

const GIVING = {
  commit: "gives back, if it is as it was granted, the lease",
  tell: "passes on the give-back",
} as const;
const EARLY = { M7: "wakes everybody before it commits the end", M14: "answers before it commits the end" };

function wordsOf(call: Call, rules: Rules): readonly unknown[] {
  const { by, turn, what, at, step } = call;
  const early = rules.mutant === "M14" ? EARLY.M14 : EARLY.M7;
  const ending = step === "commit" && commitsTooLate(rules, call) ? early : DOING[step];
  return [
    "server",
    at + 1,
    what === "give-back" ? GIVING[step === "tell" ? step : "commit"] : ending,
    "of client",
    by + 1,
    turn > 1 ? `(call ${turn})` : "",
  ];
}

function advance(world: World, rules: Rules, call: Call): World | null {
  switch (call.step) {
    case "read":
    case "reclaim":
      return readForClaim(world, rules, call);
    case "insert":
      return insert(world, rules, call);
    case "take":
      return take(world, rules, call);
    case "commit":
      return commitsTooLate(rules, call) ? actEarly(world, rules, call) : finish(world, rules, call);
    case "too-late":
      return finish(world, rules, call);
    case "tell":
      return tell(world, rules, call);
    case "wait":
      return null;
  }
}

/** A snapshot decides. What is to be created or taken is another statement's, which looks again. */
function readForClaim(world: World, rules: Rules, call: Call): World {
  const stored = recordOf(world, clientOf(world, call.by).key);
  const { answer, next } = decideClaim(stored, claimCallOf(rules, world, call), world.now, world.floor);
  if (next === null)
    return withCall(world, call, toldOf(world, call, "record" in answer ? answer.record : null, answer));
  const taken = { ...call, step: "take", seen: stored, seenAt: world.now } as const;
  if (stored === null) return withCall(world, call, { ...call, step: call.step === "read" ? "insert" : "read" });
  return withCall(world, call, call.step === "read" ? { ...call, step: "reclaim" } : taken);
}

/** claim.sql: `on conflict do nothing`. */
function insert(world: World, rules: Rules, call: Call): World {
  const { key } = clientOf(world, call.by);
  if (recordOf(world, key) !== null) return withCall(world, call, { ...call, step: "read" });
  return acquire(world, call, decideClaim(null, claimCallOf(rules, world, call), world.now, world.floor));
}

/** reclaim.sql and reconcile.sql: takes the row if it is as it was read, as of when it was read. settle.sql is much alike. */
function take(world: World, rules: Rules, call: Call): World {
  const { key } = clientOf(world, call.by);
  const stored = recordOf(world, key);
  const again = { ...call, step: "read", seen: null, seenAt: START } as const;
  if (stored === null || !isAsRead(stored, call, rules)) return withCall(world, call, again);
  const seen = rules.mutant === "no-compare" ? call.seen : stored;
  const decision = decideClaim(seen, claimCallOf(rules, world, call), call.seenAt, world.floor);
  if (decision.answer.kind !== "failed") return acquire(world, call, decision);
  if (!attemptsUsedUp(stored) || stored.due > world.now) return withCall(world, call, again);
  const settled = settle(stored, world.now);
  return withCall(withRecord(world, key, settled), call, toldOf(world, call, settled, { kind: "settled" }));
}

function isAsRead(stored: StoredRecord, { seen }: Call, { mutant }: Rules): boolean {
  if (mutant === "no-compare") return true;
  return (
    seen !== null &&
    stored.lease.fence === seen.lease.fence &&
    stored.state === seen.state &&
    stored.due === seen.due &&
    stored.checkpointSequence === seen.checkpointSequence
  );
}

function acquire(world: World, call: Call, { answer, next }: ClaimDecision): World {
  if (next === null || answer.kind !== "acquired") throw new Error(`bug: won, and answered ${answer.kind}`);
  const told = { ...toldOf(world, call, next, answer), granted: { proof: next.lease, due: next.due } };
  return withCall(withRecord(world, clientOf(world, call.by).key, next), call, told);
}

/** finish.sql; a give-back is the same statement, guarded by the lease's end. */
function finish(world: World, rules: Rules, call: Call): World {
  const { key } = clientOf(world, call.by);
  const stored = recordOf(world, key);
  const ending =
    call.what === "give-back" ? giveBackOf(world, rules, call) : finishCallOf(rules, world, call.by, stored);
  const { answer, next } = decideFinish(stored, ending, world.now);
  return withCall(
    next === null ? world : withRecord(world, key, next),
    call,
    toldOf(world, call, next ?? stored, answer),
  );
}

type Told = {
  readonly kind: string;
  readonly reason?: string;
  readonly code?: string;
  readonly alreadyApplied?: boolean;
};

/** As a word: the answer's kind, the fault's code, or what kind alone does not say. */
function toldOf(
  { now }: World,
  call: Call,
  seen: StoredRecord | null,
  { kind, reason, code, alreadyApplied }: Told,
): Call {
  const out = code ?? (alreadyApplied === true ? "already" : reason === "reattached" ? reason : kind);
  return { ...call, step: "tell", out, seen, seenAt: call.promoted ? now : START };
}

function commitsTooLate({ mutant }: Rules, { what }: Call): boolean {
  return what === "finish" && (mutant === "M7" || mutant === "M14");
}

/** M7 wakes everybody before the commit, and nobody after. M14 answers before the commit. */
function actEarly(world: World, { mutant }: Rules, call: Call): World {
  const later = { ...call, step: "too-late" } as const;
  const { key } = clientOf(world, call.by);
  if (mutant === "M14") {
    const said = { ...call, out: "ended", seen: recordOf(world, key) };
    return withCall(withClient(world, call.by, hears(world, said)), call, later);
  }
  const isFlagged = recordOf(world, key)?.hasWaiters ?? false;
  const noted = isFlagged ? notifyAll(world, key) : world;
  return withCall(ringAt(noted, { mutant }, call.at, key), call, later);
}
