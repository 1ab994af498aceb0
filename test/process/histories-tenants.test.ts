import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AdminService } from "../../gen/holdfast/v1/admin_pb.ts";
import { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { canaryOf } from "../../proof/history/canaries.ts";
import { openHistory } from "../../proof/history/history.ts";
import { runCaller } from "../../proof/history/load/caller.ts";
import { lookAtLast } from "../../proof/history/load/last-look.ts";
import { createRandom } from "../../proof/history/load/random.ts";
import { createRecorder, type Recorder } from "../../proof/history/recorder.ts";
import { type Validated, validate } from "../../proof/history/validators.ts";
import { createGrpcTransport } from "../../src/client/grpc-transport.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type ServerProcess, startServer } from "./server.ts";

const TENANTS = ["default", "north", "south"];
/** Of each tenant; so their calls meet in every batch. */
const CALLERS = 3;
/** Of the same names for all: nothing but the tenant tells their records apart. */
const KEYS = ["one", "two", "three"];
/** So much is recorded before the callers end what they are at. */
const LINES = 1_000;
const SCOPE = "history";

let database: TestDatabase;
let server: ServerProcess | undefined;
let validated: Validated;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({ databaseUrl: database.url });
  await using directory = await mkdtempDisposable(join(tmpdir(), "holdfast-histories-"));
  const file = join(directory.path, "callers.ndjson");
  using recorder = createRecorder({ path: file });
  await load(server.grpc, recorder);
  recorder.close();
  using history = openHistory([file]);
  validated = validate(history);
}, 60_000);

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
});

test("no answer holds what is another tenant's, whatever it tells of a record", () => {
  // V5 is about how soon: histories.test.ts has it.
  const found = validated.validators.filter(({ id, violations }) => id !== "V5" && violations > 0);
  expect(found.map(({ id, examples }) => [id, examples[0]?.why])).toEqual([]);
  expect(validated.validators.find(({ id }) => id === "V6")?.judged).toBeGreaterThan(0);
  expect(validated.keys).toBe(TENANTS.length * KEYS.length);
});

/** Three tenants, on one server, with the same keys at the same time. What each of them stores names it. */
async function load(address: string, recorder: Recorder): Promise<void> {
  const transport = createGrpcTransport({ addresses: [address] });
  const admin = createClient(AdminService, transport);
  for (const tenantId of TENANTS.slice(1)) await admin.registerTenant({ registration: { tenantId }, reason: "a test" });
  const rpcOf = (client: string) => createClient(IdempotencyService, recorder.wrap(transport, { client }));
  const callers = TENANTS.flatMap((tenant) => Array.from({ length: CALLERS }, (_, i) => ({ tenant, i })));
  await Promise.all(
    callers.map(({ tenant, i }, seed) => {
      const random = createRandom(seed + 1);
      const keyName = () => KEYS[Math.floor(random() * KEYS.length)] ?? "";
      return runCaller({
        ...{ rpc: rpcOf(`${tenant}-${i}`), random, keyName, scope: SCOPE, tenant, sleep, canary: canaryOf(tenant) },
        isOver: () => recorder.lines >= LINES,
      });
    }),
  );
  const rpc = rpcOf("last");
  for (const tenant of TENANTS) await lookAtLast({ rpc, scope: SCOPE, tenant, names: KEYS });
  transport.close();
}
