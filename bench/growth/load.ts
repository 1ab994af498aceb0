import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { HeartbeatRequestSchema, IdempotencyService, LeaseHandleSchema } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { systemClock as clock } from "../../src/clock.ts";
import { connectLean } from "../load/http2.ts";
import { completeOf, createClaims, createNames, handleOf, outcomeOf } from "../load/messages.ts";

const TICK_MS = 5;

export interface SteadyLoad {
  /** Executions that are over. */
  done(): number;
  /** Of the claims that acquired since this was last asked. */
  takeClaimsMs(): readonly number[];
  /** Starts no more, waits for what is under way, and rejects if anything failed. */
  stop(): Promise<void>;
}

/**
 * So many executions a second, whether or not those before are over: a claim, a heartbeat, a completion, and a claim of the
 * same key, which is a replay.
 */
export async function startSteadyLoad(address: string, perSecond: number): Promise<SteadyLoad> {
  const client = await connectLean(address);
  const [claimOf, newName] = [createClaims(), createNames()];
  const call = (method: string, request: Uint8Array) =>
    client.unary(`/${IdempotencyService.typeName}/${method}`, request);
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();
  let claimsMs: number[] = [];
  let done = 0;
  let failure: Error | null = null;

  const execute = async () => {
    const key = newName();
    const startedMs = performance.now();
    const handle = handleOf(await call("Claim", claimOf(key)));
    claimsMs.push(performance.now() - startedMs);
    await call("Heartbeat", heartbeatOf(handle));
    await call("Complete", completeOf(handle));
    const outcome = outcomeOf(await call("Claim", claimOf(key)));
    if (outcome !== "completed") throw new Error(`a replay was answered ${outcome}`);
    done++;
  };
  const start = () => {
    const one: Promise<void> = execute()
      .catch((error: Error) => {
        failure ??= error;
        stopping.abort();
      })
      .finally(() => underWay.delete(one));
    underWay.add(one);
  };
  const run = async () => {
    const fromMs = performance.now();
    for (let started = 0; !stopping.signal.aborted; ) {
      const due = Math.floor(((performance.now() - fromMs) * perSecond) / 1000);
      for (; started < due; started++) start();
      await clock.sleep(TICK_MS, stopping.signal).catch(() => undefined); // Rejects only because we are stopping.
    }
  };
  const running = run();
  return {
    done: () => done,
    takeClaimsMs() {
      const taken = claimsMs;
      claimsMs = [];
      return taken;
    },
    async stop() {
      stopping.abort();
      await running;
      await Promise.all(underWay);
      await client.close();
      if (failure !== null) throw failure;
    },
  };
}

/** @param handle an encoded LeaseHandle */
function heartbeatOf(handle: Uint8Array): Uint8Array {
  const lease = { seconds: 60n };
  return toBinary(
    HeartbeatRequestSchema,
    create(HeartbeatRequestSchema, { handle: fromBinary(LeaseHandleSchema, handle), lease }),
  );
}
