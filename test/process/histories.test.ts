import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { canaryOf } from "../../proof/history/canaries.ts";
import { checkHistory, type HistoryReport } from "../../proof/history/check.ts";
import { type CallLine, isCall, parseLine } from "../../proof/history/format.ts";
import { runCaller } from "../../proof/history/load/caller.ts";
import { lookAtLast } from "../../proof/history/load/last-look.ts";
import { createRandom } from "../../proof/history/load/random.ts";
import { createRecorder, type Recorder } from "../../proof/history/recorder.ts";
import { textOf } from "../../proof/history/report.ts";
import type { Rpc } from "../../src/client/client.ts";
import { createGrpcTransport } from "../../src/client/grpc-transport.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type ServerProcess, startServer } from "./server.ts";

const CALLERS = 16;
const KEYS = 5;
const LOAD_MS = 6_000;
/** After which the callers turn to other keys: what has ended is of no more interest. */
const GENERATION_MS = 2_500;
const SCOPE = "history";
const TAKEN_OVER = "taken-over";

let database: TestDatabase;
let servers: readonly ServerProcess[] = [];
let directory = "";
let file = "";
let report: HistoryReport;

beforeAll(async () => {
  database = await createTestDatabase();
  servers = await Promise.all([0, 1].map(() => startServer({ databaseUrl: database.url })));
  directory = await mkdtemp(join(tmpdir(), "holdfast-histories-"));
  file = join(directory, "callers.ndjson");
  using recorder = createRecorder({ path: file });
  await load(recorder);
  recorder.close();
  report = await checkHistory([file], { visualize: directory, timeoutSeconds: 20 });
}, 60_000);

afterAll(async () => {
  await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  await database?.drop();
  if (directory !== "" && process.env["KEEP_HISTORIES"] === undefined) await rm(directory, { recursive: true });
});

describe("a history of sixteen callers on two servers, of cut calls, repeated ones, and holders that oversleep", () => {
  test("is what the contract allows, for every key", async () => {
    process.stdout.write(`${textOf(report)}\n`);
    expect(report.validated.validators.filter(({ violations }) => violations > 0)).toEqual([]);
    expect(report.validated.validators.filter(({ judged }) => judged === 0)).toEqual([]);
    expect(checked(report, ({ verdict, keys }) => verdict === "OK" && keys > 0)).toBe(true);
  });

  test("has calls whose outcome nobody was told", () => {
    expect(report.validated.unknown.unknown).toBeGreaterThan(0);
  });

  test("is found out when one byte of a replayed result is another", async () => {
    const corrupted = await corrupt("result", (call) => call.op === "claim" && call.output.kind === "completed", {
      result: "0".repeat(64),
    });
    expect(violated(corrupted, ["V3", "V4"])).toBe(true);
    expect(checked(corrupted, ({ verdict }) => verdict === "VIOLATION")).toBe(true);
  });

  test("is found out when a takeover was given a fence that had been given out", async () => {
    const calls = await callsOf(file);
    const isOf = (reason: string) => (call: CallLine) => call.key === TAKEN_OVER && call.output.reason === reason;
    const fence = calls.find(isOf("new"))?.output.fence ?? 0;
    const corrupted = await corrupt("fence", isOf("takeover"), { fence });
    expect(fence).toBeGreaterThan(0);
    expect(violated(corrupted, ["V1"])).toBe(true);
    expect(checked(corrupted, ({ verdict }) => verdict === "VIOLATION")).toBe(true);
  });
});

async function load(recorder: Recorder): Promise<void> {
  const transports = servers.map(({ grpc }) => [
    createGrpcTransport({ addresses: [grpc] }),
    createGrpcTransport({ addresses: [grpc], sessions: true }),
  ]);
  const beganMs = performance.now();
  const sinceMs = () => performance.now() - beganMs;
  const names = new Set<string>();
  const rpcs = transports.flat().map((transport, i) => {
    return (client: string) => createClient(IdempotencyService, recorder.wrap(transport, { client: `${client}-${i}` }));
  });
  await Promise.all(
    Array.from({ length: CALLERS }, async (_, i) => {
      const rpc = rpcs[i % rpcs.length]?.(`caller-${i}`);
      if (rpc === undefined) throw new Error("no server");
      const random = createRandom(i + 1);
      const keyName = () => {
        const name = `${Math.floor(sinceMs() / GENERATION_MS)}-${Math.floor(random() * KEYS)}`;
        names.add(name);
        return name;
      };
      await runCaller({
        ...{ rpc, random, keyName, scope: SCOPE, sleep },
        ...{ canary: canaryOf("default"), isOver: () => sinceMs() > LOAD_MS },
      });
    }),
  );
  const [first, second] = [rpcs[0]?.("first"), rpcs[2]?.("second")];
  if (first === undefined || second === undefined) throw new Error("no server");
  names.add(await takeOver(first, second));
  await lookAtLast({ rpc: first, scope: SCOPE, names });
  for (const transport of transports.flat()) transport.close();
}

/** Whatever chance has left out: a holder dies, one who waits takes over and ends the record, a third one waits for that. */
async function takeOver(first: Rpc, second: Rpc): Promise<string> {
  const key = { scope: SCOPE, key: TAKEN_OVER };
  const claim = (number: number, waitSeconds: number) => ({
    ...{ key, claimId: `takes-over-${number}-${"0".repeat(8)}` },
    ...{ lease: { seconds: 1n }, wait: { seconds: BigInt(waitSeconds) } },
  });
  await first.claim(claim(1, 0));
  const promoted = second.claim(claim(2, 10));
  const waiting = (async () => {
    const events: string[] = [];
    const request = { targets: [{ key }], includeResult: true };
    for await (const { event } of first.waitFor(request)) events.push(event.case ?? "");
    return events;
  })();
  const { detail } = await promoted;
  const handle = detail.case === "acquired" ? detail.value.lease?.handle : undefined;
  if (handle === undefined) throw new Error(`not promoted: ${detail.case}`);
  const result = { body: { case: "inline" as const, value: Buffer.from(canaryOf("default")) } };
  await second.complete({ handle, result });
  expect(await waiting).toContain("ended");
  await first.claim(claim(3, 0));
  return key.key;
}

/** A copy of the history in which the first such answer says something else. */
async function corrupt(
  name: string,
  which: (call: CallLine) => boolean,
  output: Partial<CallLine["output"]>,
): Promise<HistoryReport> {
  const copy = join(directory, `${name}.ndjson`);
  await copyFile(file, copy);
  const lines = (await readFile(copy, "utf8")).trimEnd().split("\n");
  const at = lines.findIndex((text) => {
    const line = parseLine(text);
    return isCall(line) && which(line);
  });
  const line = parseLine(lines[at] ?? "") as CallLine;
  lines[at] = JSON.stringify({ ...line, output: { ...line.output, ...output } });
  await writeFile(copy, `${lines.join("\n")}\n`);
  return checkHistory([copy], { timeoutSeconds: 20 });
}

async function callsOf(path: string): Promise<readonly CallLine[]> {
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  return lines.map(parseLine).filter(isCall);
}

function violated({ validated }: HistoryReport, ids: readonly string[]): boolean {
  return validated.validators.some(({ id, violations }) => ids.includes(id) && violations > 0);
}

type Checked = Extract<HistoryReport["linearizability"], { readonly kind: "checked" }>["report"];

/** Without Go there is nothing to ask, and the report has said so. */
function checked({ linearizability }: HistoryReport, holds: (report: Checked) => boolean): boolean {
  if (linearizability.kind === "checked") return holds(linearizability.report);
  process.stdout.write(`porcupine did not run: ${linearizability.why}\n`);
  return true;
}
