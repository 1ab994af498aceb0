import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FailKind, IdempotencyService } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { canaryOf } from "../../../../proof/history/canaries.ts";
import { checkHistory } from "../../../../proof/history/check.ts";
import { type CallLine, isCall, type Line, parseLine } from "../../../../proof/history/format.ts";
import { createRecorder, type Recorder } from "../../../../proof/history/recorder.ts";
import { createClient as createHoldfast } from "../../../../src/client/client.ts";
import { createFakeServer, type FakeServer, loseAnswers } from "../../client/fake-server.ts";
import { inProcess } from "../../client/in-process.ts";

let directory = "";
let path = "";
let recorder: Recorder;
let server: FakeServer;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-recorder-"));
  path = join(directory, "calls.ndjson");
  recorder = createRecorder({ path });
  server = createFakeServer();
});

afterEach(() => {
  recorder.close();
  rmSync(directory, { recursive: true });
});

const KEY = { scope: "s", key: "k" };
const CLAIM = { key: KEY, claimId: "0123456789abcdef", fingerprint: { algorithm: "a", digest: new Uint8Array(16) } };
const INLINE = { body: { case: "inline" as const, value: Buffer.from(`result ${canaryOf("other")}`) } };

const connect = (options = {}) =>
  createClient(IdempotencyService, recorder.wrap(inProcess(server), { client: "one", ...options }));

function written(): readonly Line[] {
  recorder.close();
  return readFileSync(path, "utf8").trimEnd().split("\n").map(parseLine);
}

const callsWritten = () => written().filter(isCall);

async function acquire(rpc: ReturnType<typeof connect>, more = {}) {
  const { detail } = await rpc.claim({ ...CLAIM, ...more });
  if (detail.case !== "acquired" || detail.value.lease?.handle === undefined) throw new Error("not acquired");
  return detail.value.lease.handle;
}

describe("a recorder writes down", () => {
  test("what each kind of call said and was told", async () => {
    const rpc = connect();
    const handle = await acquire(rpc);
    await rpc.heartbeat({ handle, checkpoint: { sequence: 3n, name: "half" } });
    await rpc.complete({ handle, result: INLINE });
    await rpc.claim({ ...CLAIM, claimId: "another-claim-id" });
    await rpc.getRecord({ key: KEY, includeResult: true });
    for await (const _ of rpc.waitFor({ targets: [{ key: KEY }], includeResult: true }));
    await rpc.fail({ handle, kind: FailKind.RETRYABLE }).catch(() => undefined);

    const calls = callsWritten();
    const result = calls.find(({ op }) => op === "complete")?.input.result;
    expect(result).toMatch(/^[0-9a-f]{64}$/);
    expect(
      calls.map(({ op, output: { kind, state, reason, result } }) => ({ op, kind, state, reason, result })),
    ).toEqual([
      { op: "claim", kind: "acquired", reason: "new" },
      { op: "heartbeat", kind: "extended" },
      { op: "complete", kind: "accepted", state: "completed" },
      { op: "claim", kind: "completed", result },
      { op: "get_record", kind: "record", state: "completed", result },
      { op: "wait_snapshot", kind: "record", state: "completed" },
      { op: "wait_for", kind: "completed", result },
      { op: "fail", kind: "refused", reason: "RESULT_CONFLICT" },
    ]);
    expect(calls.every(({ call_ns, return_ns }) => return_ns !== null && return_ns > call_ns)).toBe(true);
    expect(
      calls.every(({ client, tenant, scope, key }) => `${client} ${tenant} ${scope} ${key}` === "one default s k"),
    ).toBe(true);
  });

  test("the time of the decision where the answer tells it, and who claimed", async () => {
    const rpc = connect();
    const handle = await acquire(rpc);
    await rpc.heartbeat({ handle });
    await rpc.claim({ ...CLAIM, claimId: "another-claim-id" });
    const [claim, heartbeat, other] = callsWritten();
    const nowUs = Math.round(1.8e15 + server.clock.monotonicMs() * 1000);
    expect([claim, heartbeat, other].map((call) => call?.server_time_us)).toEqual([nowUs, nowUs, undefined]);
    expect(other?.output.owner).toBe("/0123456789abcdef");
  });

  test("a call that was not answered, or not for certain, as unknown", async () => {
    const rpc = connect();
    server.meddle = loseAnswers("claim", 1);
    await rpc.claim(CLAIM).catch(() => undefined);
    await acquire(rpc);
    const [lost, found] = callsWritten();
    expect(lost).toMatchObject({ return_ns: null, output: { kind: "unknown", code: "Unavailable" } });
    expect(lost?.output.gave_up_ns).toBeGreaterThan(lost?.call_ns ?? 0);
    expect(found?.output).toMatchObject({ kind: "acquired", reason: "reattached" });
  });

  test("a call that is open when it closes as unknown, and nothing of it later", async () => {
    const pass = Promise.withResolvers<void>();
    server.meddle = async (_, call) => {
      await pass.promise;
      return await call();
    };
    const claim = connect().claim(CLAIM);
    const calls = callsWritten();
    pass.resolve();
    await claim;
    expect(calls).toMatchObject([{ return_ns: null, output: { kind: "unknown", code: "OPEN" } }]);
  });

  test("in a journal, each call before it is sent", async () => {
    recorder.close();
    recorder = createRecorder({ path, journal: true });
    const seen: Line[] = [];
    server.meddle = (_, call) => {
      seen.push(...readFileSync(path, "utf8").trimEnd().split("\n").map(parseLine));
      return call();
    };
    await acquire(connect());
    expect(seen).toMatchObject([{ op: "claim", return_ns: null }]);
    const [opened, answered] = callsWritten();
    expect(answered).toMatchObject({ id: opened?.id, output: { kind: "acquired" } });
  });

  test("the canaries of an answer", async () => {
    const rpc = connect();
    const handle = await acquire(rpc);
    await rpc.complete({ handle, result: INLINE });
    await rpc.claim({ ...CLAIM, claimId: "another-claim-id" });
    expect(callsWritten().at(-1)?.canaries).toEqual(["other"]);
  });

  test("what a driver does, from when to when", async () => {
    await recorder.during({ mark: "server-down", server: "one:1" }, async () => {
      await acquire(connect());
    });
    const [claim, mark] = written() as [CallLine, Extract<Line, { mark: unknown }>];
    expect(mark).toMatchObject({ mark: "server-down", server: "one:1" });
    expect(mark.from_ns).toBeLessThan(claim.call_ns);
    expect(mark.to_ns).toBeGreaterThan(claim.return_ns ?? Number.POSITIVE_INFINITY);
  });

  test("the calls that the client library makes", async () => {
    const holdfast = createHoldfast({
      transport: recorder.wrap(inProcess(server), { client: "sdk" }),
      clock: server.clock,
    });
    const done = holdfast.once({ ...KEY, input: 1 }, () => "done");
    await server.clock.until(done);
    await server.clock.until(holdfast.close());
    expect(callsWritten().map(({ op, output: { kind } }) => `${op} ${kind}`)).toEqual([
      "claim acquired",
      "complete accepted",
    ]);
  });
});

test("a message is handed on as it came, but for who claims; and that too if it is not to sign", async () => {
  const claim = { ...CLAIM, owner: { service: "mine", instance: "own" } };
  await connect().claim(claim);
  await connect({ signs: false }).claim(claim);
  expect(server.requests).toMatchObject([
    { owner: { service: "mine", instance: "0123456789abcdef" } },
    { owner: { service: "mine", instance: "own" } },
  ]);
  expect(claim.owner.instance).toBe("own");
});

test("a wait that its reader leaves by aborting it is written as left", async () => {
  const rpc = connect();
  await acquire(rpc);
  const leaving = new AbortController();
  const options = { signal: leaving.signal };
  for await (const _ of rpc.waitFor({ targets: [{ key: KEY }] }, options)) break;
  leaving.abort();
  expect(callsWritten().at(-1)).toMatchObject({
    op: "wait_for",
    return_ns: null,
    output: { kind: "unknown", code: "LEFT" },
  });
});

test("what was recorded of honest calls holds against every validator", async () => {
  const rpc = connect();
  const handle = await acquire(rpc);
  await rpc.complete({ handle, result: { body: { case: "inline", value: Buffer.from("r") } } });
  await rpc.claim({ ...CLAIM, claimId: "another-claim-id" });
  await rpc.getRecord({ key: KEY, includeResult: true });
  recorder.close();
  const { validated } = await checkHistory([path]);
  expect(validated.validators.filter(({ violations }) => violations > 0)).toEqual([]);
  expect(validated.validators.filter(({ judged }) => judged > 0).map(({ id }) => id)).toEqual([
    "V1",
    "V2",
    "V3",
    "V4",
    "V7",
  ]);
});
