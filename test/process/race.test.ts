import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ClaimOutcome, IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { CALLERS, grpcCaller, newClaimId, newKey } from "./callers.ts";
import { type ServerProcess, startServer } from "./server.ts";
import { lockRecords, untilBlocked } from "./table-lock.ts";

const { method } = IdempotencyService;
const RACERS = 8;

let database: TestDatabase;
let servers: readonly ServerProcess[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  servers = await Promise.all(Array.from({ length: RACERS }, () => startServer({ databaseUrl: database.url })));
}, 120_000);

afterAll(async () => {
  await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  await database?.drop();
});

test("of eight processes that claim one key through eight servers one wins, and seven are told IN_PROGRESS", async () => {
  const racers = servers.map(({ grpc }) => startRacer(grpc, "the-one-key"));
  await Promise.all(racers.map(({ ready }) => ready));
  for (const { go } of racers) go();
  const outcomes = await Promise.all(racers.map(({ outcome }) => outcome));
  expect(outcomes.sort()).toEqual(["ACQUIRED", ...Array.from({ length: RACERS - 1 }, () => "IN_PROGRESS")]);
});

test("of a thousand claims of one key at once over three servers one wins, and nobody sees an error", async () => {
  const key = newKey();
  const callers = servers.slice(0, 3).map(({ grpc }) => grpcCaller(grpc));
  const calls = Array.from({ length: 1000 }, (_, i) =>
    callers[i % 3]?.call(method.claim, { key, claimId: newClaimId() }),
  );
  const outcomes = (await Promise.all(calls)).map((answer) => answer?.outcome);
  expect(outcomes.filter((outcome) => outcome === ClaimOutcome.ACQUIRED)).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome === ClaimOutcome.IN_PROGRESS)).toHaveLength(999);
  for (const caller of callers) caller[Symbol.dispose]();
});

test("claims in flight on a server that is killed are settled by the same claim_id on another, with one lease each", async () => {
  await using doomed = await startServer({ databaseUrl: database.url });
  const claims = Array.from({ length: 50 }, () => ({ key: newKey(), claimId: newClaimId() }));
  using caller = grpcCaller(doomed.grpc);
  const unlock = await lockRecords(database.url);
  const lost = claims.map((claim) =>
    caller.call(method.claim, claim).then(
      () => "answered",
      () => "lost",
    ),
  );
  await untilBlocked(database.url);
  doomed.signal("SIGKILL");
  expect(new Set(await Promise.all(lost))).toEqual(new Set(["lost"]));
  await unlock();

  const [, other = servers[0]] = servers;
  using survivor = grpcCaller(other?.grpc ?? "");
  const settle = () => Promise.all(claims.map((claim) => survivor.call(method.claim, claim)));
  const [first, second] = [await settle(), await settle()];
  expect(first.map(({ outcome }) => outcome)).toEqual(claims.map(() => ClaimOutcome.ACQUIRED));
  expect(second.map(handleOf)).toEqual(first.map(handleOf));
  expect(first.map(({ detail }) => detail.case === "acquired" && detail.value.lease?.attempt)).toEqual(
    claims.map(() => 1),
  );
});

test("every way to call agrees on who holds a key that all of them claim at once", async () => {
  const key = newKey();
  const callers = servers.flatMap((server) => Object.values(CALLERS).map((open) => open(server)));
  const answers = await Promise.all(callers.map((caller) => caller.call(method.claim, { key, claimId: newClaimId() })));
  expect(answers.filter(({ outcome }) => outcome === ClaimOutcome.ACQUIRED)).toHaveLength(1);
  for (const caller of callers) caller[Symbol.dispose]();
});

function startRacer(address: string, key: string) {
  const script = fileURLToPath(new URL("race-client.ts", import.meta.url));
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, [script, address, key, newClaimId()]);
  child.stderr.resume();
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ready = lines.next();
  const outcome = ready.then(() => lines.next()).then(({ value }) => String(value));
  return { ready, outcome, go: () => child.stdin.end("go\n") };
}

function handleOf({
  detail,
}: {
  readonly detail: { readonly case?: string | undefined; readonly value?: unknown };
}): unknown {
  return detail.case === "acquired" ? (detail.value as { lease?: { handle?: unknown } }).lease?.handle : undefined;
}
