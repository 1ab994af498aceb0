import { emptied, hasEnded, isExpired, isForgotten, type StoredRecord } from "../../../src/domain/record.ts";
import { decideClaim, settle } from "../../../src/domain/reducer/claim.ts";
import { decideFinish } from "../../../src/domain/reducer/finish.ts";
import { decideHeartbeat } from "../../../src/domain/reducer/heartbeat.ts";
import { isHeld } from "../../../src/domain/reducer/operator.ts";
import type { Cause } from "../postgres/cause.ts";
import { isAbandoned, isExhausted } from "../postgres/due.ts";
import { decideOperator } from "../postgres/reads.ts";
import { sameEnd, sameRecord } from "./same.ts";

type Next = { readonly next: StoredRecord | null } | { readonly wrong: string };

/** What the reducer makes of a record by this call at this instant of the database's clock; or why it makes nothing of it. */
function nextOf(before: StoredRecord | null, cause: Cause): Next {
  const changed = (next: StoredRecord | null, why: string): Next => (next === null ? { wrong: why } : { next });
  switch (cause.kind) {
    case "claim": {
      const { answer, next } = decideClaim(before, cause.call, cause.at, cause.fenceFloor);
      return changed(answer.kind === "acquired" ? next : null, `a claim that is ${answer.kind} has acquired`);
    }
    case "heartbeat": {
      const { answer, next } = decideHeartbeat(before, cause.call, cause.at);
      return changed(next, `a heartbeat was taken that is refused: ${"code" in answer ? answer.code : answer.kind}`);
    }
    case "finish": {
      const { answer, next } = decideFinish(before, cause.call, cause.at);
      return changed(next, `an end was taken that is refused: ${"code" in answer ? answer.code : answer.kind}`);
    }
    case "watch": {
      const { state, fence } = cause.call;
      const isAsRead = before !== null && before.state === state && before.lease.fence === fence && !hasEnded(before);
      return changed(isAsRead ? { ...before, hasWaiters: true } : null, "what is not as it was read was flagged");
    }
    case "release":
    case "reset":
    case "resolve": {
      const { refusal, next } = decideOperator(cause.kind, before, cause.call, cause.at);
      return changed(next, `a ${cause.kind} was made that is refused: ${refusal}`);
    }
    case "settle":
      return changed(
        before !== null && isExhausted(before, cause.at) ? settle(before, cause.at) : null,
        "an attempt was given up for good that may go on",
      );
    case "empty":
      return changed(
        before !== null && isExpired(before, cause.at) ? emptied(before) : null,
        "a result was dropped before its end",
      );
    case "forget":
      return deleted(before !== null && isForgotten(before, cause.at), "a record was forgotten before its time");
    case "abandon":
      return deleted(before !== null && isAbandoned(before, cause.at), "a record was deleted that is not abandoned");
    case "purge":
      return deleted(before !== null && (cause.force || !isHeld(before, cause.at)), "a held record was purged");
  }
}

function deleted(isAllowed: boolean, why: string): Next {
  return isAllowed ? { next: null } : { wrong: why };
}

/** What is wrong with a change; null if nothing is. */
export function wrongWith(before: StoredRecord | null, after: StoredRecord | null, cause: Cause): string | null {
  const expected = nextOf(before, cause);
  if ("wrong" in expected) return expected.wrong;
  // The fence of a new record is made when its row is written; that it rises is looked at by itself.
  const next = before === null && expected.next !== null ? withFenceOf(expected.next, after) : expected.next;
  if (!sameRecord(next, after)) return `a ${cause.kind} left another record than the reducer`;
  return isRewritten(before, after, cause) ? `a ${cause.kind} rewrote how the record ended` : null;
}

function withFenceOf(record: StoredRecord, other: StoredRecord | null): StoredRecord {
  return other === null ? record : { ...record, lease: { ...record.lease, fence: other.lease.fence } };
}

const MAY_END_AN_END: ReadonlySet<Cause["kind"]> = new Set(["reset", "purge", "forget", "empty"]);

/** Said once more without the reducer: an end stays as it is, until it is forgotten, dropped or tried again. */
function isRewritten(before: StoredRecord | null, after: StoredRecord | null, cause: Cause): boolean {
  if (before === null || !hasEnded(before) || MAY_END_AN_END.has(cause.kind)) return false;
  if (cause.kind === "claim") return before.state === "completed" && !isForgotten(before, cause.at);
  return after === null || !sameEnd(before, after);
}
