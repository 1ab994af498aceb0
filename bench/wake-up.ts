import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ClaimRequestSchema,
  type ClaimResponse,
  ClaimResponseSchema,
  CompleteRequestSchema,
} from "../gen/holdfast/v1/idempotency_pb.ts";
import { systemClock as clock } from "../src/clock.ts";
import type { BenchPostgres } from "./database.ts";
import { ECHO_PATH } from "./echo.ts";
import { type BenchServer, path, startServer } from "./grpc.ts";
import { spread } from "./measure.ts";

const TRIALS = 60;
const CROWD = 10_000;
/** Twice as many as the crowd fills, at 1 000 calls each: the completion must find room. */
const CONNECTIONS = 20;
/** Who comes at once. */
const STREAMS = 1_000;

/**
 * How long after the holder has its answer a waiter has the result: on another server, and on the holder's own; beside
 * it, one call at a time like these, an echo. In milliseconds, the median of each round.
 */
export async function benchWakeUp(postgres: BenchPostgres, rounds: number) {
  const url = await postgres.database("wake_up");
  const [here, there] = [await startServer(url, Buffer.alloc(0), 1), await startServer(url, Buffer.alloc(0), 1)];
  const figures = { elsewhere: [] as number[], here: [] as number[], echo: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const trials = { elsewhere: [] as number[], here: [] as number[], echo: [] as number[] };
    for (let trial = 0; trial < TRIALS; trial++) {
      trials.elsewhere.push(await wakeUp(here, there));
      trials.here.push(await wakeUp(here, here));
      trials.echo.push(await timed(() => there.call(ECHO_PATH, encodeClaim("echo", 0))));
    }
    if (round === 0) continue;
    for (const arm of ["elsewhere", "here", "echo"] as const) figures[arm].push(spread(trials[arm]).median);
  }
  await Promise.all([here.stop(), there.stop()]);
  return figures;
}

/** Ten thousand claims that wait for one record on one server. */
export async function benchCrowd(postgres: BenchPostgres) {
  const url = await postgres.database("crowd");
  const server = await startServer(url, Buffer.alloc(0), CONNECTIONS);
  const key = randomUUID();
  const complete = await hold(server, key);
  const answers: Promise<number>[] = [];
  for (let joined = 0; joined < CROWD; joined += STREAMS) {
    const joining = Array.from({ length: STREAMS }, () => waitFor(server, key));
    answers.push(...joining);
    await clock.sleep(JOIN_MS);
  }
  const atRest = await residentMiB(server);
  await complete();
  const ended = performance.now();
  const waits = (await Promise.all(answers)).map((answered) => answered - ended).sort((a, b) => a - b);
  const at = (share: number) => waits[Math.floor(CROWD * share)] ?? Number.NaN;
  const peak = await residentMiB(server);
  await server.stop();
  return { p50Ms: at(0.5), p99Ms: at(0.99), rssMiB: [atRest, peak] };
}

/** Long enough for a claim to be told IN_PROGRESS, and for the waiter to be there. */
const JOIN_MS = 500;
const WAITS_MS = 15;

async function wakeUp(holder: BenchServer, waiter: BenchServer): Promise<number> {
  const key = randomUUID();
  const complete = await hold(holder, key);
  const answered = waitFor(waiter, key);
  await clock.sleep(WAITS_MS);
  await complete();
  const ended = performance.now();
  return (await answered) - ended;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

/** Claims, and returns what completes it. */
async function hold(server: BenchServer, key: string): Promise<() => Promise<unknown>> {
  const { detail } = await claim(server, key, 0);
  if (detail.case !== "acquired" || detail.value.lease?.handle === undefined) {
    throw new Error(`a fresh key was answered ${detail.case}`);
  }
  const result = { body: { case: "inline", value: Buffer.from("done") } } as const;
  const request = create(CompleteRequestSchema, { handle: detail.value.lease.handle, result });
  return () => server.call(path("Complete"), Buffer.from(toBinary(CompleteRequestSchema, request)));
}

/** When the result was there. */
async function waitFor(server: BenchServer, key: string): Promise<number> {
  const { detail } = await claim(server, key, 60);
  if (detail.case !== "completed") throw new Error(`a waiter was answered ${detail.case}`);
  return performance.now();
}

async function claim(server: BenchServer, key: string, waitSeconds: number): Promise<ClaimResponse> {
  return fromBinary(ClaimResponseSchema, await server.call(path("Claim"), encodeClaim(key, waitSeconds)));
}

function encodeClaim(key: string, waitSeconds: number): Buffer {
  const request = create(ClaimRequestSchema, {
    key: { scope: "charge", key },
    claimId: randomUUID(),
    lease: { seconds: 120n },
    wait: { seconds: BigInt(waitSeconds) },
  });
  return Buffer.from(toBinary(ClaimRequestSchema, request));
}

async function residentMiB({ pid }: BenchServer): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
