import { createHash, randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import { CheckpointSchema, ResultSchema } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { SIZES } from "../../../src/domain/limits.ts";
import { encodeCheckpoint, encodeError, encodeResult } from "../../../src/rpc/wire/stored.ts";
import { sealFingerprint } from "../../../src/store/sealed/data-keys.ts";
import { createPostgresTenantKeyTable } from "../../../src/store/sealed/postgres/tenant-key-table.ts";
import { type Bench, createBench, freshKey, type Lease } from "../../store/bench.ts";
import { bytes } from "../../support/records.ts";
import { masterKeyLine, sealStore } from "../../unit/store/sealed/sealing.ts";
import { createScene, openSessions, type Sessions } from "./sessions.ts";

const CANARY = "canary 4f1d";
/** Few enough that whoever has the digest has the payload. */
const GUESSABLE = "yes";

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions();
});
afterAll(() => sessions.close());

/** A record of an encrypted tenant: as its callers see it, and a second one beside it. */
function openScene() {
  const scene = createScene(sessions);
  const table = createPostgresTenantKeyTable({ run: (work) => work(sessions.b) });
  const sealed = sealStore(scene.storeA, { table });
  const under = { store: sealed.store, now: scene.a.now, setNow: () => {}, close: async () => {} };
  return { ...scene, ...sealed, bench: createBench(under, scene.key), beside: createBench(under, freshKey()) };
}

/** Everything that is stored, of all tables, as text: bytes are in hex there. */
async function everythingStored(): Promise<string> {
  const query = async <Row>(text: string) => sessions.observer.query<Row>({ name: "", text }, []);
  const tables = await query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'holdfast' order by tablename",
  );
  const rows = [];
  for (const { name } of tables)
    rows.push(...(await query<{ row: string }>(`select r::text as row from holdfast.${name} r`)));
  return rows.map(({ row }) => row).join("\n");
}

const spellings = (content: string | Uint8Array) => {
  const raw = Buffer.from(content as string);
  return [raw.toString("utf8"), raw.toString("hex"), raw.toString("base64"), raw.toString("base64url")];
};

describe("of a record of an encrypted tenant", () => {
  const ends: Readonly<Record<string, (bench: Bench, lease: Lease) => Promise<unknown>>> = {
    result: (bench, lease) => bench.finish(lease, "complete", { outcome: bytes(`${CANARY} result`) }),
    error: (bench, lease) => bench.finish(lease, "terminal", { outcome: bytes(`${CANARY} error`) }),
  };

  test.each(Object.entries(ends))("the table holds nothing of checkpoint, payload or %s", async (name, end) => {
    const { bench, ring, row } = openScene();
    const digest = createHash("sha256").update(GUESSABLE).digest();
    const given = { algorithm: "sha-256", digest: new Uint8Array(digest) };
    const fingerprint = sealFingerprint(await ring.of(bench.key.tenant), given);
    const lease = await bench.acquire({ fingerprint });
    await bench.heartbeat(lease, { checkpoint: { sequence: 1n, encoded: bytes(`${CANARY} checkpoint`) } });
    await end(bench, lease);
    expect(await bench.claim({ fingerprint })).toMatchObject({
      record: { outcome: bytes(`${CANARY} ${name}`), checkpoint: bytes(`${CANARY} checkpoint`) },
    });

    const stored = await everythingStored();
    const outcome = Buffer.from((await row())?.outcome ?? []).toString("hex");
    expect(outcome.length, "the search sees what is stored").toBeGreaterThan(2 * CANARY.length);
    expect(stored).toContain(outcome);
    const secrets = [CANARY, `${CANARY} ${name}`, digest, createHash("sha256").update(digest).digest()];
    const masterKey = Buffer.from(masterKeyLine("main").slice("main:".length), "base64");
    for (const spelling of [...secrets, masterKey].flatMap(spellings)) expect(stored).not.toContain(spelling);
  });

  test("a plain record would have been found", async () => {
    const { a } = openScene();
    await a.finish(await a.acquire(), "complete", { outcome: bytes("plain canary") });
    expect(await everythingStored()).toContain(Buffer.from("plain canary").toString("hex"));
  });
});

describe("a row that was changed by hand", () => {
  const completed = async () => {
    const scene = openScene();
    for (const [bench, content] of [
      [scene.bench, CANARY],
      [scene.beside, `${CANARY} of another record`],
    ] as const) {
      const lease = await bench.acquire();
      await bench.finish(lease, "complete", { outcome: bytes(content) });
    }
    return scene;
  };
  const outcomeOf = ({ key }: Bench) => `(select outcome from holdfast.record where key = '${key.key}')`;

  const changes: Readonly<Record<string, readonly [sql: (beside: Bench) => string, why: string]>> = {
    "has another record's outcome": [(beside) => `outcome = ${outcomeOf(beside)}`, "not-authentic"],
    "names an unknown version of the key": [() => "outcome = set_byte(outcome, 5, 77)", "unknown-key-version"],
    "has one changed byte": [() => "outcome = set_byte(outcome, 30, get_byte(outcome, 30) # 1)", "not-authentic"],
    "has plain bytes": [() => `outcome = '${CANARY}'::bytea`, "not-sealed"],
    "has a lowered fence": [() => "fence = 1", "fence-ahead"],
    "has its outcome for a checkpoint too": [
      () => "checkpoint = outcome, checkpoint_sequence = 1, checkpoint_time = now()",
      "not-authentic",
    ],
    "is failed where it was completed": [() => "state = 4, reason = 2", "not-authentic"],
  };

  test.each(Object.entries(changes))("and %s is INTERNAL with an alarm, and shows no bytes", async (_, [sql, why]) => {
    const { bench, beside, sql: run, alarms } = await completed();
    await run(`update holdfast.record set ${sql(beside)} where $record`);
    for (const call of [() => bench.claim(), () => bench.find()]) {
      const thrown = await call().then(
        () => null,
        (error: Error) => error,
      );
      expect(thrown).toMatchObject({ code: "INTERNAL", message: "Internal error." });
      expect(`${thrown?.cause}`).toContain(why);
      for (const spelling of spellings(CANARY)) expect(`${thrown?.stack} ${thrown?.cause}`).not.toContain(spelling);
    }
    expect(alarms).toEqual([`${bench.key.tenant}: ${why}`, `${bench.key.tenant}: ${why}`]);
    expect(await beside.claim(), "the other record is none the worse").toMatchObject({ kind: "completed" });
  });

  test("into a state that does not exist is refused", async () => {
    const { bench, sql } = await completed();
    await expect(sql("update holdfast.record set state = 9 where $record")).rejects.toMatchObject({ code: "23514" });
    expect(await bench.claim()).toMatchObject({ kind: "completed", record: { outcome: bytes(CANARY) } });
  });
});

test("the largest result, error and checkpoint still fit into the table when they are sealed", async () => {
  const { bench, beside } = openScene();
  const metadata = Object.fromEntries(
    Array.from({ length: SIZES.metadataBytesMax / 4 }, (_, i) => [`${i}`.padStart(4, "0"), ""]),
  );
  const result = encodeResult(
    create(ResultSchema, {
      body: { case: "inline", value: randomBytes(SIZES.resultInlineBytesMax) },
      contentType: "c".repeat(SIZES.labelBytesMax),
      metadata,
    }),
  );
  const checkpoint = encodeCheckpoint(
    create(CheckpointSchema, {
      name: "n".repeat(SIZES.labelBytesMax),
      sequence: 2n ** 63n - 1n,
      data: randomBytes(SIZES.checkpointBytesMax),
      contentType: "c".repeat(SIZES.labelBytesMax),
    }),
  );
  const error = encodeError(create(StatusSchema, { code: 13, message: "m".repeat(SIZES.errorBytesMax) }));
  await bench.finish(await bench.acquire(), "complete", { outcome: result, checkpoint, digest: bytes("digest") });
  await beside.finish(await beside.acquire(), "terminal", { outcome: error, digest: bytes("digest") });
  const [kept, failed] = [await bench.peek(), await beside.peek()];
  expect(Buffer.compare(kept.outcome ?? new Uint8Array(), result)).toBe(0);
  expect(Buffer.compare(kept.checkpoint ?? new Uint8Array(), checkpoint?.encoded ?? new Uint8Array())).toBe(0);
  expect(Buffer.compare(failed.outcome ?? new Uint8Array(), error)).toBe(0);
});
