import type { FinishCall, HeartbeatCall } from "../../../src/domain/calls.ts";
import { msBetween } from "../../../src/domain/instant.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { Fingerprint, Proof } from "../../../src/domain/record.ts";
import type { ClaimInput } from "../../../src/operations/claim.ts";
import type { ClaimOutcome } from "../../../src/operations/claim-outcome.ts";
import { visible } from "../../../src/operations/derive.ts";
import { endDigest } from "../../../src/operations/end-digest.ts";
import type { FinishOutcome, Said } from "../../../src/operations/finish.ts";
import type { SeenRecord } from "../../../src/operations/get-record.ts";
import type { HeartbeatOutcome } from "../../../src/operations/heartbeat.ts";
import { asPeeked, explainClaim, explainFinish, explainHeartbeat } from "../judge/answers.ts";
import { nameOf } from "../judge/judge.ts";
import { sameRecord } from "../judge/same.ts";
import type { Wait } from "../judge/waits.ts";
import type { SimulatedServer } from "../server/server.ts";
import type { World } from "../world.ts";
import type { Line, Reply } from "./line.ts";

/** Calls of one caller, each answer of which is looked at as the caller has it. */
export interface Phone {
  claim(server: SimulatedServer, input: ClaimInput): Promise<Reply<ClaimOutcome>>;
  heartbeat(server: SimulatedServer, call: HeartbeatCall): Promise<Reply<HeartbeatOutcome>>;
  finish(server: SimulatedServer, key: RecordKey, proof: Proof, said: Said): Promise<Reply<FinishOutcome>>;
  getRecord(server: SimulatedServer, key: RecordKey): Promise<Reply<SeenRecord>>;
}

export const NO_FINGERPRINT: Fingerprint = { algorithm: "", digest: new Uint8Array() };
/** Beyond the wait. */
const PATIENCE_MS = 3_000;

export function createPhone(world: World, line: Line): Phone {
  const { time, judge, examiner, waits, holders, counts, trace } = world;
  const { caller } = line;

  const tell = (text: string) => trace.tell(caller.name, text);

  /**
   * A claim that waits is shown what was read of the record last, and tells by the database's clock whether that is older
   * than what it knows. Where that clock is set back an older reading passes for a newer one, for as long as that.
   */
  const earlierMs = world.weather.faults.clockStepMs === 0 ? 0 : 5_000;

  const told = (what: string, reply: Reply<unknown>, words: () => string) => {
    if (reply.kind === "answered") tell(`is told of the ${what}: ${words()}`);
    else tell(reply.kind === "refused" ? `is refused the ${what}: ${reply.code}` : `does not know of the ${what}`);
    if (reply.kind === "lost") counts.unknown++;
    if (reply.kind === "refused" && reply.code === "LEASE_SUPERSEDED") counts.superseded++;
  };

  /** A refusal by the record is explained as an answer is; one by the server or its tenants says nothing of it. */
  const isOfRecord = (reply: Reply<unknown>) => reply.kind === "refused" && OF_RECORD.has(reply.code);

  return {
    async claim(server, input) {
      const { key, waitMs, claimId, intent } = input;
      const sentMs = time.nowMs();
      const look = examiner.begin(key, `a claim was answered to ${caller.name}`, waitMs > 0 ? earlierMs : 0);
      const what = `claim ${nameOf(key)} to ${intent}, as ${claimId.trim()}, waiting ${waitMs.toFixed(0)} ms`;
      const reply = await line.call(server, what, waitMs + PATIENCE_MS, async (app, context) => {
        if (waitMs === 0 || intent === "reconcile") return app.claim(context, input);
        const wait: Wait = { by: "claim", key, who: caller.name, sinceMs: time.nowMs(), server: server.name };
        waits.begin(wait);
        const leave = () => waits.end(wait);
        context.context.signal.addEventListener("abort", leave);
        try {
          return await app.claim(context, input);
        } finally {
          leave();
        }
      });
      told("claim", reply, () => (reply.kind === "answered" ? wordsOf(reply.value) : ""));
      const call = {
        ...input,
        policy: { ...POLICY, ...input.policy },
        token: new Uint8Array(),
        mayAcquire: "anything" as const,
      };
      if (reply.kind === "answered") {
        const answer = reply.value;
        if (waitMs > 0) counts.waited++;
        if (answer.kind === "acquired") {
          const untilMs = sentMs + answer.waitedMs + msBetween(answer.now, answer.record.due);
          holders.holds(key, answer.record.lease.fence, caller.name, untilMs);
        }
        look.explain((versions, now) => explainClaim(versions, call, answer, now));
        if (answer.kind === "in-progress" && answer.record.claimId === claimId && intent === "execute") {
          judge.accuse(`${nameOf(key)}: ${caller.name} is told that its own attempt is in progress`);
        }
      } else if (reply.kind === "refused" && isOfRecord(reply)) {
        const { code } = reply;
        look.explain((versions, now) => explainClaim(versions, call, { kind: "fault", code, now: 0 }, now));
      }
      return reply;
    },

    async heartbeat(server, call) {
      const look = examiner.begin(call.key, `a heartbeat was answered to ${caller.name}`);
      const sentMs = time.nowMs();
      const what = `extend the lease of ${nameOf(call.key)}`;
      const reply = await line.call(server, what, PATIENCE_MS, (app, { principal, deadline }) =>
        app.heartbeat({ principal, deadline }, call),
      );
      told("heartbeat", reply, () => "extended");
      if (reply.kind === "answered") {
        const answer = reply.value;
        holders.holds(call.key, call.proof.fence, caller.name, sentMs + msBetween(answer.now, answer.due));
        look.explain((versions, now) => explainHeartbeat(versions, call, answer, now));
      } else if (reply.kind === "refused" && isOfRecord(reply)) {
        const { code } = reply;
        look.explain((versions, now) => explainHeartbeat(versions, call, { kind: "fault", code, now: 0 }, now));
      }
      return reply;
    },

    async finish(server, key, proof, said) {
      const look = examiner.begin(key, `an end was answered to ${caller.name}`);
      holders.lets(key, proof.fence);
      const reply = await line.call(server, `${WORDS[said.kind]} ${nameOf(key)}`, PATIENCE_MS, (app, caller) => {
        const { kind, outcome, delayMs, checkpoint } = said;
        if (kind !== "complete") return app.fail(caller, { key, proof, kind, delayMs, checkpoint, error: outcome });
        if (outcome === null) throw new Error("bug: a result of nothing");
        return app.complete(caller, { key, proof, result: outcome });
      });
      told("end", reply, () => (reply.kind === "answered" ? endWords(reply.value) : ""));
      const call: FinishCall = { ...said, key, proof, digest: endDigest(said), onlyIfDue: null };
      if (reply.kind === "answered") {
        const answer = reply.value;
        look.explain((versions, now) => explainFinish(versions, call, answer, now));
        counts.ended++;
        if (answer.late) counts.late++;
        if (answer.alreadyApplied) counts.repeated++;
      } else if (reply.kind === "refused" && isOfRecord(reply)) {
        const { code } = reply;
        look.explain((versions, now) => explainFinish(versions, call, { kind: "fault", code, now: 0 }, now));
      }
      return reply;
    },

    async getRecord(server, key) {
      const look = examiner.begin(key, `a record was shown to ${caller.name}`);
      const reply = await line.call(server, `show ${nameOf(key)}`, PATIENCE_MS, (app, caller) =>
        app.getRecord(caller, key, NO_FINGERPRINT),
      );
      told("record", reply, () => (reply.kind === "answered" ? reply.value.state : ""));
      if (reply.kind === "answered") {
        const { record, now } = reply.value;
        look.explain(
          (versions) =>
            versions.find((version) => {
              const seen = asPeeked(version.record, now);
              return seen !== null && sameRecord(visible(seen, now), record);
            }) ?? null,
        );
      } else if (reply.kind === "refused" && reply.code === "RECORD_NOT_FOUND") {
        look.explain(
          (versions, instants) =>
            versions.find(({ record, fromNow }) =>
              [...instants, fromNow].some((now) => asPeeked(record, now) === null),
            ) ?? null,
        );
      }
      return reply;
    },
  };
}

/** Of tenants whose registration says nothing else. */
export const POLICY = {
  hold: false,
  maxAttempts: 0,
  maxExecutionMs: null,
  resultRetentionMs: 86_400_000,
  tombstoneRetentionMs: 86_400_000,
} as const;

const OF_RECORD: ReadonlySet<string> = new Set([
  ...["FINGERPRINT_MISMATCH", "RECORD_EXISTS", "LEASE_SUPERSEDED", "LEASE_TOKEN_INVALID", "RESULT_CONFLICT"],
  ...["CLAIM_ENDED", "INVALID_STATE", "RECORD_NOT_FOUND", "DURATION_OUT_OF_RANGE"],
]);

const WORDS = {
  complete: "complete",
  retryable: "end the attempt, to be tried again, at",
  terminal: "fail for good",
  "outcome-unknown": "say that the outcome is unknown of",
  "not-started": "say that nothing was done of",
} as const;

function wordsOf(outcome: ClaimOutcome): string {
  const { kind, record } = outcome;
  if (kind !== "acquired") return `${kind}, attempt ${record.attempt} of ${record.claimId.trim()}`;
  return `acquired (${outcome.reason}), attempt ${record.attempt}, for ${msBetween(outcome.now, record.due).toFixed(0)} ms`;
}

function endWords({ state, late, alreadyApplied }: FinishOutcome): string {
  return `${state}${late ? ", late" : ""}${alreadyApplied ? ", already applied" : ""}`;
}
