import { anonymous } from "../../../src/auth/authenticator.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { hasEnded, type Proof } from "../../../src/domain/record.ts";
import type { Presence } from "../../../src/operations/access.ts";
import type { ClaimOutcome } from "../../../src/operations/claim-outcome.ts";
import { NO_CREDENTIALS } from "../../support/credentials.ts";
import { resetRecord } from "../../support/operating.ts";
import { claimOf, finishOf, heartbeatOf } from "../../support/records.ts";
import { createOnlooker } from "../../support/waiting.ts";
import { KEY, versionOf, type Wait } from "./simulation-history.ts";
import { type Faults, LATENCY_MS_MAX, type SimulatedServer, type SimulatedServers } from "./simulation-servers.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface CallerDeps {
  readonly time: VirtualTime;
  readonly world: SimulatedServers;
  readonly faults: Faults;
  /** How long people take, in some measure: the shorter, the more meets. */
  readonly pace: number;
  readonly areOthersDone: () => boolean;
}

/** Somebody who has work for the record, or looks on. */
export interface Caller {
  readonly isDone: boolean;
  /** What it waits for now. */
  readonly waits: ReadonlySet<Wait>;
  readonly fault: string | null;
  readonly waited: number;
  readonly promoted: number;
}

/** When whoever is still there is to see an end. */
const CLOSING_MS = 12_000;
/** By then the first one has claimed, if nothing fails: what is absent is found only where it is claimed. */
const OPENING_MS = 3 * LATENCY_MS_MAX;

/** @param which the first one begins the work; "closer" sees to it in the end that it is done */
export function createCaller(deps: CallerDeps, which: number | "closer"): Caller {
  const { time, world, faults, pace, areOthersDone } = deps;
  const { servers, history } = world;
  const waits = new Set<Wait>();
  const counts = { waited: 0, promoted: 0 };
  let isDone = false;
  let fault: string | null = null;
  let ids = 0;

  const oneServer = () => (which === 0 ? servers[0] : time.pick(servers));

  /** One call; null when it failed, or when the caller went away. */
  const claim = async (claimId: string, waitMs: number, patienceMs: number): Promise<ClaimOutcome | null> => {
    const wait: Wait = { by: "claim", sinceMs: time.monotonicMs() };
    const gone = new AbortController();
    const context: Presence = {
      signal: gone.signal,
      retiring: new AbortController().signal,
      async answered() {
        await time.sleep(time.between(0, 5));
        return !gone.signal.aborted;
      },
    };
    const principal = await anonymous.authenticate(NO_CREDENTIALS, Number.POSITIVE_INFINITY);
    const reuse = time.chance(0.2) ? "retry-failed" : "replay-all";
    const input = { ...claimOf({ key: KEY, claimId, leaseMs: 1_000 + 1_000 * time.random(), reuse }), waitMs };
    if (patienceMs < waitMs) {
      void time.sleep(patienceMs).then(() => {
        waits.delete(wait);
        gone.abort(new Fault("CANCELLED", "the caller has gone"));
      });
    }
    if (waitMs > 0) waits.add(wait);
    history.begins(claimId);
    try {
      const answer = await oneServer().claim({ principal, deadline: Infinity, context }, input);
      fault ??= history.faultOf(answer, wait.sinceMs);
      if (waitMs > 0) counts.waited++;
      if (answer.waitedMs > 0) counts.promoted++;
      return gone.signal.aborted ? null : answer;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (!EXPECTED.has(error.code)) fault ??= `answered ${error.code}`;
      return null;
    } finally {
      waits.delete(wait);
    }
  };

  /** Does something with the lease; true when the caller is done. */
  const work = async (proof: Proof, server: SimulatedServer): Promise<boolean> => {
    await time.sleep(pace * time.between(0, 400));
    if (time.chance(0.4)) await attempt(() => server.store.heartbeat(heartbeatOf({ key: KEY, proof }), Infinity));
    const fate = which === "closer" ? 0 : time.random();
    await time.sleep(pace * time.between(0, time.chance(0.2) ? 3_000 : 600));
    if (fate > 0.85) return true; // It dies.
    const kind = fate < 0.4 ? "complete" : fate < 0.5 ? "retryable" : fate < 0.7 ? "not-started" : FATES[ids % 2];
    if (kind === undefined) throw new Error("bug: no fate");
    const delayMs = kind === "retryable" ? Math.floor(pace * time.between(0, 2_000)) : 0;
    const call = finishOf({ key: KEY, proof, kind, delayMs, ...(kind === "not-started" ? { outcome: null } : {}) });
    const store = time.chance(faults.crashing) ? world.dying : server.store;
    return (await attempt(() => store.finish(call, Infinity))) && kind === "complete";
  };

  const attempt = (call: () => Promise<unknown>) =>
    call().then(
      () => true,
      () => false,
    );

  const live = async () => {
    for (let claimId = nextId(); ; ) {
      const waitMs = time.chance(0.2) ? pace * time.between(1, 2_000) : 60_000;
      const patienceMs =
        which !== "closer" && time.chance(0.25) ? pace * time.between(0, 3_000) : Number.POSITIVE_INFINITY;
      const answer = await claim(claimId, waitMs, patienceMs);
      if (answer === null) {
        // A new call in place of the one that was lost, most often the same one again; or nothing any more.
        if (which !== "closer" && time.chance(0.2)) return;
        if (time.chance(0.3)) claimId = nextId();
        await time.sleep(time.between(0, 100));
      } else if (answer.kind === "acquired") {
        if (await work(answer.record.lease, oneServer())) return;
        claimId = nextId();
      } else if (answer.kind === "completed" || (answer.kind === "failed" && which !== "closer")) return;
      else if (answer.kind === "outcome-unknown" || answer.kind === "failed") {
        if (which !== "closer" && time.chance(0.5)) return;
        await attempt(() => resetRecord(oneServer().store, KEY, true));
      }
    }
  };

  /** Waits from some moment on until it sees an end, now on one server and now on another. */
  const lookOn = async () => {
    if (time.chance(0.7)) await time.sleep(pace * time.between(0, 2_000));
    while (!(await lookOnce())) await time.sleep(time.between(0, 5));
    counts.waited++;
  };

  /** True if it has seen an end before it moved on. */
  const lookOnce = async (): Promise<boolean> => {
    const server = history.current === null ? servers[0] : time.pick(servers);
    const wait: Wait = { by: "onlooker", sinceMs: time.monotonicMs(), knows: null };
    const seen = Promise.withResolvers<boolean>();
    const onlooker = createOnlooker(({ record }) => {
      if (record !== null) wait.knows = versionOf(record);
      if (record !== null && hasEnded(record)) seen.resolve(true);
    });
    waits.add(wait);
    const joined = server.hub.join(KEY, onlooker);
    const over = new AbortController();
    if (time.chance(0.5)) {
      time.sleep(pace * time.between(0, 1_000), over.signal).then(
        () => seen.resolve(false),
        () => undefined,
      );
    }
    const hasSeen = await seen.promise;
    over.abort();
    joined.leave(onlooker);
    waits.delete(wait);
    return hasSeen;
  };

  const nextId = () => `caller-${which}-${++ids}`.padEnd(16, "-");

  const run = async () => {
    if (which === 0) await time.sleep(time.between(0, OPENING_MS / 3));
    if (which === "closer") await time.sleep(CLOSING_MS);
    if (which === 0 || which === "closer") await live();
    else if (time.chance(0.4)) return await lookOn();
    else {
      await time.sleep(OPENING_MS + pace * time.between(0, 1_500));
      await live();
    }
    // What has ended can be reset by somebody who believes that its outcome is unknown.
    while (which === "closer" && !areOthersDone()) {
      await time.sleep(1_000);
      await live();
    }
  };

  run().then(
    () => {
      isDone = true;
    },
    (error: unknown) => {
      fault ??= `threw ${String(error)}`;
    },
  );

  return {
    waits,
    get isDone() {
      return isDone;
    },
    get fault() {
      return fault;
    },
    get waited() {
      return counts.waited;
    },
    get promoted() {
      return counts.promoted;
    },
  };
}

const FATES = ["terminal", "outcome-unknown"] as const;

const EXPECTED = new Set(["STORE_UNAVAILABLE", "CANCELLED", "CLAIM_ENDED"]);
