import { systemClock } from "../../../src/clock.ts";
import { Fault } from "../../../src/domain/fault.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { Proof } from "../../../src/domain/record.ts";
import type { Presence } from "../../../src/operations/access.ts";
import type { ClaimOutcome } from "../../../src/operations/claim-outcome.ts";
import { claimIdOf, finishOf } from "../../../test/support/records.ts";
import { NEVER } from "../stand/records.ts";
import type { Server } from "../stand/server.ts";

/** A caller that may leave in any instant. */
export interface Caller {
  readonly presence: Presence;
  readonly hasLeft: boolean;
  /** Not any more once its answer has arrived: then it has what it came for. */
  leave(): void;
  /** Its answer has arrived, unless it has left. */
  deliver(): void;
}

const GONE = new Error("the caller has gone");
const never = new AbortController().signal;

export function createCaller(): Caller {
  const gone = new AbortController();
  const arrived = Promise.withResolvers<boolean>();
  let isDelivered = false;
  return {
    presence: { signal: gone.signal, retiring: never, answered: () => arrived.promise },
    get hasLeft() {
      return gone.signal.aborted;
    },
    leave() {
      if (isDelivered) return;
      gone.abort(GONE);
      arrived.resolve(false);
    },
    deliver() {
      isDelivered = true;
      arrived.resolve(true);
    },
  };
}

/** How the call of somebody who leaves went. */
export type Going =
  /** It ended because its caller had gone. */
  | "left-first"
  /** It was promoted, and its caller had gone by then. */
  | "left-under-way"
  /** It was promoted, and its caller went while the answer was on its way. */
  | "left-unanswered"
  /** It was promoted, and its caller has learned of it. */
  | "answered"
  /** Somebody else has ended the record. */
  | "late"
  /** The attempt of its claim id has ended: that of a call that came back after its lease had been given back. */
  | "claim-ended";

export interface Gone {
  readonly going: Going;
  /** Which attempt it was, by its lease; 0 without one. */
  readonly attempt: number;
  /** Of a caller that was answered: its end was accepted. Null: it held nothing, or did not know. */
  readonly wasAccepted: boolean | null;
}

export interface Manner {
  readonly caller: Caller;
  /** So many turns of the event loop its answer takes. */
  readonly turns?: number;
  /** The server has answered; the answer is on its way. */
  readonly onTold?: () => void;
  /** It knows that it holds the lease, and goes to work; when that resolves, it ends the record. */
  readonly work?: () => Promise<void>;
}

/** Claims, waits, and ends what it acquires, if it learns of it. */
export async function claimAndEnd(
  server: Server,
  key: RecordKey,
  name: string,
  { caller, turns = 0, onTold, work }: Manner,
): Promise<Gone> {
  let told: ClaimOutcome;
  try {
    told = await server.claim(key, claimIdOf(name), caller.presence);
  } catch (error) {
    if (error === GONE) return { going: "left-first", attempt: 0, wasAccepted: null };
    if (!(error instanceof Fault && error.code === "CLAIM_ENDED")) throw error;
    return { going: "claim-ended", attempt: 0, wasAccepted: null };
  }
  if (told.kind === "completed") return { going: "late", attempt: 0, wasAccepted: null };
  if (told.kind !== "acquired") throw new Error(`bug: a claim that waits was answered ${told.kind}`);
  const { attempt, lease } = told.record;
  onTold?.();
  if (caller.hasLeft) return { going: "left-under-way", attempt, wasAccepted: null };
  for (let turn = 0; turn < turns; turn++) await systemClock.turn();
  if (caller.hasLeft) return { going: "left-unanswered", attempt, wasAccepted: null };
  caller.deliver();
  await work?.();
  return { going: "answered", attempt, wasAccepted: await isAcceptedBy(server, key, lease) };
}

async function isAcceptedBy({ store }: Server, key: RecordKey, proof: Proof): Promise<boolean> {
  const answer = await store.finish(finishOf({ key, proof }), NEVER);
  return answer.kind === "ended" && !answer.alreadyApplied;
}
