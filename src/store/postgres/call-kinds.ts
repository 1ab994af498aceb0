import type {
  ClaimAnswer,
  ClaimCall,
  FinishAnswer,
  FinishCall,
  HeartbeatAnswer,
  HeartbeatCall,
  Peeked,
  WatchCall,
} from "../../domain/calls.ts";
import type { Keyed } from "./batch-rows.ts";
import type { BatcherDeps } from "./batcher.ts";
import { bytesOfClaim, bytesOfFinish, bytesOfHeartbeat, bytesOfKeyed } from "./call-bytes.ts";
import { runClaims } from "./claim.ts";
import { followClaim } from "./claim-row.ts";
import { runFinishes } from "./finish.ts";
import { followHeartbeat, runHeartbeats } from "./heartbeat.ts";
import { peeked, runPeeks } from "./peek.ts";
import { runReclaims } from "./reclaim.ts";
import { runReconciles } from "./reconcile.ts";
import type { ServerTime } from "./server-time.ts";
import { runWatches } from "./watch.ts";

/** What a batcher has to know of a kind of call; its name is that of its statement. */
export type CallKind<Call, Answer> = Pick<BatcherDeps<Call, Answer>, "name" | "bytesOf" | "run" | "follow">;

export interface CallKinds {
  readonly claim: CallKind<ClaimCall, ClaimAnswer>;
  readonly reclaim: CallKind<ClaimCall, ClaimAnswer>;
  readonly reconcile: CallKind<ClaimCall, ClaimAnswer>;
  readonly heartbeat: CallKind<HeartbeatCall, HeartbeatAnswer>;
  readonly finish: CallKind<FinishCall, FinishAnswer>;
  readonly peek: CallKind<Keyed, Peeked>;
  readonly watch: CallKind<WatchCall, boolean>;
}

export function createCallKinds(time: ServerTime): CallKinds {
  const following = (answer: ClaimAnswer, _leader: ClaimCall, follower: ClaimCall) => followClaim(answer, follower);
  return {
    claim: {
      name: "claim",
      bytesOf: bytesOfClaim,
      run: (connection, calls) => runClaims(connection, calls, time),
      follow: following,
    },
    reclaim: {
      name: "reclaim",
      bytesOf: bytesOfClaim,
      run: (connection, calls) => runReclaims(connection, calls, time),
      follow: following,
    },
    reconcile: {
      name: "reconcile",
      bytesOf: bytesOfClaim,
      run: (connection, calls) => runReconciles(connection, calls, time),
      follow: following,
    },
    heartbeat: {
      name: "heartbeat",
      bytesOf: bytesOfHeartbeat,
      run: (connection, calls) => runHeartbeats(connection, calls, time),
      follow: followHeartbeat,
    },
    finish: {
      name: "finish",
      bytesOf: bytesOfFinish,
      run: (connection, calls) => runFinishes(connection, calls, time),
    },
    peek: {
      name: "peek",
      bytesOf: bytesOfKeyed,
      run: async (connection, calls) => (await runPeeks(connection, calls, time)).map(peeked),
      follow: (answer) => answer,
    },
    watch: {
      name: "watch",
      bytesOf: bytesOfKeyed,
      run: runWatches,
      // Flagged by the leader, or not to be flagged as the leader read it: whoever follows reads again.
      follow: () => false,
    },
  };
}
