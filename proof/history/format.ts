/**
 * One line of a history: a call as its client saw it, or a mark of the driver. JSON, one object per line; the Go checker
 * in proof/checker reads the same. README.md says what a driver has to see to.
 *
 * Instants ending in `_ns` are of the host's monotonic clock, which all processes of one host share; those ending in `_us`
 * are of the database's. Digests are SHA-256 in hex. Absent fields are "", 0, false or none.
 */
export type Line = CallLine | MarkLine;

export const FORMAT_VERSION = 1 as const;

export type Op = "claim" | "heartbeat" | "complete" | "fail" | "get_record" | "wait_for" | "wait_snapshot";

export interface CallLine {
  readonly v: typeof FORMAT_VERSION;
  readonly op: Op;
  /** Only in journals: the line of a call that was written before it was sent is replaced by the one with its answer. */
  readonly id?: string;
  /** Who called; one may have several calls open. */
  readonly client: string;
  /** Its process id. */
  readonly process: number;
  /** host:port of the server, if the transport tells. */
  readonly server?: string;
  readonly call_ns: number;
  /** Null: nobody knows what became of it. It may have taken effect at any time since, or never. */
  readonly return_ns: number | null;
  readonly tenant: string;
  readonly scope: string;
  readonly key: string;
  readonly input: Input;
  readonly output: Output;
  /**
   * The database's clock at the decision, where the answer tells it: a lease does, by its end less what remains. Of any
   * other answer it is known as an interval only, from the answers around it.
   */
  readonly server_time_us?: number;
  /** The tenants whose canaries the answer holds. */
  readonly canaries?: readonly string[];
}

/**
 * What a driver has done, from before it began until after it was over.
 *
 * - `database-crash`: a lease may then end where it was last put durably; also of a promotion
 * - `clock-step`: the database's clock was set; nothing is concluded about times across it
 * - `server-down`: `server` was stopped or cut off; its waits are excused
 * - `trouble`: anything else for which waits are excused: the database locked, a link cut
 */
export interface MarkLine {
  readonly v: typeof FORMAT_VERSION;
  readonly mark: "database-crash" | "clock-step" | "server-down" | "trouble";
  readonly from_ns: number;
  readonly to_ns: number;
  readonly server?: string;
  /**
   * Of a `clock-step`: the driver has seen to it that no sweeper takes what is over by the other clock. Then nothing is
   * erased by the step, but for what somebody claims anew meanwhile.
   */
  readonly unswept?: boolean;
}

export interface Checkpoint {
  readonly sequence: number;
  readonly digest: string;
}

/** With the defaults filled in; 0 is no limit. */
export interface PolicyInput {
  readonly hold: boolean;
  readonly max_attempts: number;
  readonly max_execution_ms: number;
  readonly result_retention_ms: number;
  readonly tombstone_retention_ms: number;
}

/** What the call said; of each kind of call, its own fields. */
export interface Input {
  readonly claim_id?: string;
  readonly fingerprint?: string;
  readonly lease_ms?: number;
  readonly wait_ms?: number;
  readonly intent?: "execute" | "reconcile";
  readonly reuse?: "replay-all" | "retry-failed" | "reject";
  readonly policy?: PolicyInput;
  /** Service and instance. */
  readonly owner?: string;
  readonly token?: string;
  readonly fence?: number;
  /** Of a fail. */
  readonly kind?: string;
  readonly result?: string;
  readonly error?: string;
  readonly delay_ms?: number;
  readonly checkpoint?: Checkpoint;
  readonly external_ref?: string;
  readonly include_result?: boolean;
  readonly must_exist?: boolean;
}

/**
 * What the call was told. By kind of call: a claim's outcome (acquired, in-progress, completed, failed, retry-scheduled,
 * outcome-unknown, expired) · extended (heartbeat) · accepted (complete, fail) · record (get_record), record or absent
 * (wait_snapshot) · completed, failed, expired or finish (wait_for) · refused: with a reason, surely without effect ·
 * unknown: no answer, or one that does not say whether the call took effect.
 */
export interface Output {
  readonly kind: OutputKind;
  /** acquired: why · refused, unknown: the reason of the error · failed, outcome-unknown: why · finish: why. */
  readonly reason?: string;
  /** gRPC's name of the error. */
  readonly code?: string;
  /** accepted, record: the state · expired: how it had ended. */
  readonly state?: string;
  readonly token?: string;
  readonly fence?: number;
  readonly attempt?: number;
  readonly owner?: string;
  readonly started_us?: number;
  /** The lease's end. */
  readonly expires_us?: number;
  readonly ended_us?: number;
  readonly due_us?: number;
  readonly since_us?: number;
  readonly result_expires_us?: number;
  /** The tombstone's end. */
  readonly forgotten_us?: number;
  readonly waited_us?: number;
  readonly result?: string;
  readonly error?: string;
  readonly checkpoint?: Checkpoint;
  readonly already_applied?: boolean;
  readonly late?: boolean;
  readonly reconciling?: boolean;
  readonly policy_differs?: boolean;
  /** unknown: when the caller stopped waiting for an answer. */
  readonly gave_up_ns?: number;
}

export type OutputKind =
  | "acquired"
  | "in-progress"
  | "completed"
  | "failed"
  | "retry-scheduled"
  | "outcome-unknown"
  | "expired"
  | "extended"
  | "accepted"
  | "record"
  | "absent"
  | "finish"
  | "refused"
  | "unknown";

export function isCall(line: Line): line is CallLine {
  return "op" in line;
}

export function isUnknown({ return_ns, output }: CallLine): boolean {
  return return_ns === null || output.kind === "unknown";
}

/** @throws Error that says what is wrong with it */
export function parseLine(text: string): Line {
  const line = JSON.parse(text) as Line;
  if (line.v !== FORMAT_VERSION) {
    throw new Error(`version ${JSON.stringify(line.v)} of the format; this program reads version ${FORMAT_VERSION}`);
  }
  if (!("op" in line) && !("mark" in line)) throw new Error("neither a call nor a mark");
  return line;
}
