import type { RecordKey } from "../../src/domain/key.ts";
import type { ClaimOutcome } from "../../src/operations/claim-outcome.ts";
import type { Holders } from "./judge/holders.ts";
import type { Judge } from "./judge/judge.ts";
import type { Examiner } from "./judge/port.ts";
import type { Waits } from "./judge/waits.ts";
import type { Mutation } from "./mutation.ts";
import type { Cluster } from "./postgres/cluster.ts";
import type { SimulatedServer } from "./server/server.ts";
import type { Process, VirtualTime } from "./time.ts";
import type { Trace } from "./trace.ts";
import type { Faults, Weather } from "./weather.ts";

/** All that there is in one run. */
export interface World {
  readonly time: VirtualTime;
  readonly weather: Weather;
  readonly mutation: Mutation;
  readonly cluster: Cluster;
  readonly servers: readonly SimulatedServer[];
  readonly judge: Judge;
  readonly examiner: Examiner;
  readonly waits: Waits;
  readonly holders: Holders;
  readonly trace: Trace;
  /** What goes wrong now: nothing, once the faulty time is over. */
  faults(): Faults;
  readonly isClosing: boolean;
  /** One of those that somebody works on now, or one that nobody has seen. */
  anyKey(): RecordKey;
  /** From here to there by the network between callers and servers. */
  latencyMs(): number;
  /** A caller's process is gone: its connections break. */
  hangUp(caller: Process): void;
  /** Adds what is to be done then. */
  onHangUp(caller: Process, happen: () => void): () => void;
  readonly ghosts: Ghosts;
  readonly counts: Counts;
}

/** Names under which one and the same attempt was claimed. */
export interface Ghosts {
  rename(before: string, after: string): void;
  /** Somebody is told to wait for an earlier try of its own. */
  isOwn(claimId: string, told: ClaimOutcome): boolean;
}

export function createGhosts(): Ghosts {
  const earlier = new Map<string, readonly string[]>();
  return {
    rename(before, after) {
      earlier.set(after, [...(earlier.get(before) ?? []), before]);
    },
    isOwn: (claimId, { kind, record }) =>
      kind === "in-progress" && (earlier.get(claimId)?.includes(record.claimId) ?? false),
  };
}

/** What has happened, so that a test can say that something was tested. */
export interface Counts {
  calls: number;
  acquired: number;
  reattached: number;
  takenOver: number;
  promoted: number;
  ended: number;
  late: number;
  repeated: number;
  superseded: number;
  unknown: number;
  waited: number;
  faults: number;
}

export function noCounts(): Counts {
  return {
    calls: 0,
    acquired: 0,
    reattached: 0,
    takenOver: 0,
    promoted: 0,
    ended: 0,
    late: 0,
    repeated: 0,
    superseded: 0,
    unknown: 0,
    waited: 0,
    faults: 0,
  };
}
