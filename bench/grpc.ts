import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import {
  ClaimRequestSchema,
  ClaimResponseSchema,
  CompleteRequestSchema,
  IdempotencyService,
} from "../gen/holdfast/v1/idempotency_pb.ts";
import type { BenchPostgres } from "./database.ts";
import { ECHO_PATH } from "./echo.ts";
import { interleave, throughput } from "./measure.ts";
import type { Traced } from "./traced.ts";

const KEYS = 500;
export const WIDTH = 512;
const CHANNELS = 4;
const SECONDS_ABOUT = 2;

export const path = (method: "Claim" | "Complete") => `/${IdempotencyService.typeName}/${method}`;

/** Unary calls against one server process: a replay, and an echo of the same two messages, by a lean client. */
export async function benchGrpc(postgres: BenchPostgres, rounds: number) {
  const url = await postgres.database("grpc");
  const first = await startServer(url, Buffer.alloc(0));
  const answer = await storeResults(first);
  await first.stop();

  const server = await startServer(url, answer);
  const replays = encodeReplays();
  const arm = (method: string, requests: readonly Buffer[], count: number) => () =>
    throughput(count, WIDTH, (i) => server.call(method, requests[i % requests.length] ?? Buffer.alloc(0)));
  const probe = await arm(ECHO_PATH, replays, 2_000)();
  const count = Math.ceil(probe * SECONDS_ABOUT);
  const figures = await interleave(rounds, {
    replay: arm(path("Claim"), replays, count),
    echo: arm(ECHO_PATH, replays, count),
  });
  await server.stop();
  return { ...figures, requestBytes: replays[0]?.length ?? 0, responseBytes: answer.length };
}

export interface BenchServer {
  readonly pid: number;
  call(path: string, request: Buffer): Promise<Buffer>;
  /** Of the processor, since its start. */
  cpuMicros(): Promise<number>;
  stop(): Promise<void>;
}

/** A server process; `channels` connections to it. Without an SDK for traces unless told otherwise, as most run. */
export async function startServer(
  url: string,
  echoAnswer: Buffer,
  connections = CHANNELS,
  traced: Traced = "api",
): Promise<BenchServer> {
  const child = fork(new URL("./grpc-server.ts", import.meta.url), [url, echoAnswer.toString("base64"), traced], {
    stdio: "inherit",
  });
  const { port } = await new Promise<{ readonly port: number }>((resolve, reject) => {
    child.once("message", (message) => resolve(message as { readonly port: number }));
    child.once("exit", (code) => reject(new Error(`the benchmark's server ended with ${code}`)));
  });
  const channels = Array.from(
    { length: connections },
    () =>
      new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 }),
  );
  const same = (bytes: Buffer) => bytes;
  let calls = 0;
  return {
    pid: child.pid ?? 0,
    call: (method, request) =>
      new Promise((resolve, reject) => {
        channels[calls++ % connections]?.makeUnaryRequest(method, same, same, request, (error, response) =>
          error === null && response !== undefined ? resolve(response) : reject(error),
        );
      }),
    async cpuMicros() {
      const told = once(child, "message");
      child.send("cpu");
      const [{ cpuMicros }] = (await told) as [{ readonly cpuMicros: number }];
      return cpuMicros;
    },
    async stop() {
      const ended = once(child, "exit");
      for (const channel of channels) channel.close();
      child.disconnect();
      await ended;
    },
  };
}

/** Claims of records that have ended. */
export function encodeReplays(): readonly Buffer[] {
  return Array.from({ length: 4096 }, (_, i) => encodeClaim(i % KEYS));
}

/** Ends every record; what a claim of one is answered then. */
export async function storeResults(server: BenchServer): Promise<Buffer> {
  for (let i = 0; i < KEYS; i++) {
    const claimed = fromBinary(ClaimResponseSchema, await server.call(path("Claim"), encodeClaim(i)));
    if (claimed.detail.case !== "acquired") throw new Error(`a fresh key was answered ${claimed.detail.case}`);
    const { handle } = claimed.detail.value.lease ?? {};
    if (handle === undefined) throw new Error("a lease came without its handle");
    const body = Buffer.from(JSON.stringify({ id: `ch_${i}`, amount: 4200, currency: "eur", status: "succeeded" }));
    const complete = create(CompleteRequestSchema, {
      handle,
      result: { body: { case: "inline", value: body }, contentType: "application/json" },
    });
    await server.call(path("Complete"), Buffer.from(toBinary(CompleteRequestSchema, complete)));
  }
  return server.call(path("Claim"), encodeClaim(KEYS - 1));
}

function encodeClaim(i: number): Buffer {
  const request = create(ClaimRequestSchema, {
    key: { scope: "charge", key: `order-${String(i).padStart(6, "0")}` },
    claimId: randomUUID(),
    fingerprint: { algorithm: "jcs-sha256", digest: new Uint8Array(32).fill(i % 251) },
    owner: { service: "billing", instance: "pod-7" },
  });
  return Buffer.from(toBinary(ClaimRequestSchema, request));
}
