import { type Duration, durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";
import type {
  Acquired,
  Checkpoint,
  LeaseHandle,
  Lease as LeaseMessage,
  Progress,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { AnswerIncompleteError, AttemptEndedError, type HoldfastError, LeaseLostError } from "./errors.ts";
import { retrying } from "./retry.ts";
import { follow, type Runtime } from "./runtime.ts";
import { toLeaseError } from "./wire-error.ts";

interface HeartbeatExtra {
  readonly checkpoint?: Checkpoint;
  readonly externalRef?: string;
}

interface LeaseTerms {
  readonly scope: string;
  readonly key: string;
  /** What each heartbeat asks for; undefined is the server's default. */
  readonly leaseMs: number | undefined;
  /** When the claim was sent that was answered with the lease. */
  readonly sentAtMs: number;
  /** Whose abort is passed on to `signal`. The lease is held all the same: the work may still be running. */
  readonly signals: readonly (AbortSignal | undefined)[];
}

/** No more than one heartbeat a second for the sake of progress alone. */
const PROGRESS_INTERVAL_MS = 1_000;
/** The server recommends a third of the lease; this is for a server that recommends nothing. */
const HEARTBEAT_INTERVAL_MS = 10_000;

/**
 * A lease that is held by heartbeats, one each recommended interval and repeated within the lease when lost, until it
 * is ended or lost.
 *
 * The lease runs out at send time + waited + remaining on the monotonic clock. The call had been sent before the server
 * began to count, so this is never later than the server's own end of the lease, whatever the network and the wall
 * clocks do.
 */
export class HeldLease {
  readonly handle: LeaseHandle;
  readonly fence: bigint;
  readonly #runtime: Runtime;
  readonly #terms: LeaseTerms;
  readonly #intervalMs: number;
  readonly #controller = new AbortController();
  readonly #ended = new AbortController();
  readonly #unfollow: () => void;
  #leaseEndMs: number;
  #lastBeatMs: number;
  #nextBeatMs = 0;
  #progress: Progress | undefined;
  #cancelBeat = (): void => undefined;
  #cancelExpiry = (): void => undefined;

  constructor(runtime: Runtime, acquired: Acquired, terms: LeaseTerms) {
    const { lease } = acquired;
    if (lease?.handle === undefined) throw new AnswerIncompleteError("ACQUIRED without a lease");
    this.#runtime = runtime;
    this.#terms = terms;
    this.handle = lease.handle;
    this.fence = lease.fence;
    this.#intervalMs = millis(lease.heartbeatInterval) || HEARTBEAT_INTERVAL_MS;
    this.#leaseEndMs = leaseEnd(lease, terms.sentAtMs);
    this.#lastBeatMs = terms.sentAtMs;
    this.#unfollow = follow(this.#controller, terms.signals);
    this.#checkExpiry();
    this.#schedule(terms.sentAtMs + this.#intervalMs);
  }

  /** Aborted once: with a LeaseLostError, or with the reason of the caller who gave up. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  remainingMs(): number {
    return Math.max(0, this.#leaseEndMs - this.#runtime.clock.monotonicMs());
  }

  /** A heartbeat at once; what it carries is durable when this resolves. */
  async extend(extra: HeartbeatExtra): Promise<void> {
    if (this.#ended.signal.aborted) throw this.#ended.signal.reason;
    try {
      await this.#beat(extra);
    } catch (error) {
      if (this.#ended.signal.aborted) throw this.#ended.signal.reason;
      const known = toLeaseError(error);
      if (known instanceof LeaseLostError) this.#lose(known);
      throw known;
    }
  }

  /** Goes with the next heartbeat, which comes within about a second. */
  note(progress: Progress): void {
    this.#progress = progress;
    const soonMs = Math.max(this.#runtime.clock.monotonicMs(), this.#lastBeatMs + PROGRESS_INTERVAL_MS);
    if (soonMs < this.#nextBeatMs) this.#schedule(soonMs);
  }

  /** The attempt is over: no timer and no heartbeat from here on. */
  end(): void {
    this.#stop(new AttemptEndedError());
    this.#unfollow();
  }

  async #beat(extra: HeartbeatExtra): Promise<void> {
    const { clock, rpc, retry } = this.#runtime;
    const { signal } = this.#ended;
    const { leaseMs } = this.#terms;
    this.#lastBeatMs = clock.monotonicMs();
    const carried = this.#progress;
    this.#progress = undefined;
    const request = {
      handle: this.handle,
      ...(leaseMs === undefined ? {} : { lease: durationFromMs(Math.round(leaseMs)) }),
      ...(carried === undefined ? {} : { progress: carried }),
      ...extra,
    };
    // A try that hangs for a whole interval leaves room for another one.
    const tryTimeoutMs = Math.min(this.#intervalMs, retry.tryTimeoutMs);
    const bounds = { giveUpAtMs: this.#leaseEndMs, tryTimeoutMs, signal };
    try {
      const { answer, sentAtMs } = await retrying(this.#runtime, bounds, (options) =>
        rpc.heartbeat(request, { ...options, signal }),
      );
      // Both ends are lower bounds, so the later one holds: a heartbeat never shortens a lease.
      if (answer.lease) this.#leaseEndMs = Math.max(this.#leaseEndMs, leaseEnd(answer.lease, sentAtMs));
      // What was noted while this one was under way does not wait for a whole interval.
      const nextMs = this.#progress === undefined ? this.#intervalMs : Math.min(PROGRESS_INTERVAL_MS, this.#intervalMs);
      this.#schedule(sentAtMs + nextMs);
    } catch (error) {
      this.#progress ??= carried;
      throw error;
    }
  }

  async #beatByItself(): Promise<void> {
    try {
      await this.extend({});
    } catch (error) {
      if (this.#ended.signal.aborted) return;
      const { scope, key } = this.#terms;
      this.#runtime.warn({ kind: "heartbeat-failed", scope, key, error: toLeaseError(error) });
      this.#schedule(this.#runtime.clock.monotonicMs() + this.#intervalMs);
    }
  }

  #schedule(atMs: number): void {
    const { clock } = this.#runtime;
    this.#cancelBeat();
    this.#nextBeatMs = atMs;
    if (this.#ended.signal.aborted) return;
    this.#cancelBeat = clock.after(atMs - clock.monotonicMs(), () => void this.#beatByItself());
  }

  /** One timer, armed anew when it finds that the lease was extended meanwhile. */
  #checkExpiry(): void {
    const leftMs = this.remainingMs();
    if (leftMs > 0) this.#cancelExpiry = this.#runtime.clock.after(leftMs, () => this.#checkExpiry());
    else this.#lose(new LeaseLostError("expired", "the lease is over", { reason: "LEASE_EXPIRED" }));
  }

  #lose(error: LeaseLostError): void {
    if (this.#ended.signal.aborted) return;
    this.#stop(error);
    const { scope, key } = this.#terms;
    this.#runtime.tell("onLeaseLost", { scope, key, why: error.why });
    this.#controller.abort(error);
  }

  #stop(reason: HoldfastError): void {
    this.#cancelBeat();
    this.#cancelExpiry();
    this.#ended.abort(reason);
  }
}

function leaseEnd(lease: LeaseMessage, sentAtMs: number): number {
  return sentAtMs + millis(lease.waited) + millis(lease.remaining);
}

function millis(duration: Duration | undefined): number {
  return duration === undefined ? 0 : durationMs(duration);
}
