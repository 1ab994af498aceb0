import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AdminService } from "../../../gen/holdfast/v1/admin_pb.ts";
import { FailKind, IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { newClaimId, newKey } from "../callers.ts";
import { readMetrics } from "../metrics-page.ts";
import { as, newTenantId, refusesAs, TENANT_FORBIDDEN, useAccessStand } from "./access-stand.ts";
import { row } from "./rows.ts";
import { acquire, alarmOf, CANARY, call, generic, lives, type Refusal, readRefusal } from "./stand.ts";
import { DISTINCT_WIRES, encode, utf8, type Wire } from "./wires.ts";

const { claim, complete, fail, getRecord, heartbeat } = IdempotencyService.method;
const { getTenant } = AdminService.method;

const folder = mkdtempSync(join(tmpdir(), "holdfast-sealed-"));
const masterKeyFile = join(folder, "master-keys");
const masterKey = randomBytes(32).toString("base64");
writeFileSync(masterKeyFile, `first:${masterKey}\n`, { mode: 0o600 });
afterAll(() => rmSync(folder, { recursive: true }));

// No livesOn at the end: what is spoilt here is INTERNAL, and is to be an alarm.
const { stand, access } = useAccessStand(["--master-key-file", masterKeyFile]);

let tenant: string;
let secret: string;

beforeAll(async () => {
  tenant = newTenantId();
  await access.register({ tenantId: tenant });
  secret = (await access.newKey(tenant)).secret;
});

const RESULT = { body: { case: "inline", value: utf8(CANARY.repeat(20)) } } as const;
type Key = ReturnType<typeof newKey>;

async function completed(wire: Wire): Promise<Key> {
  const key = newKey();
  await call(wire, complete, { handle: await acquire(wire, { key }), result: RESULT });
  return key;
}

async function failed(wire: Wire): Promise<Key> {
  const key = newKey();
  const error = { code: 3, message: CANARY };
  await call(wire, fail, { handle: await acquire(wire, { key }), kind: FailKind.TERMINAL, error });
  return key;
}

async function checkpointed(wire: Wire): Promise<Key> {
  const key = newKey();
  const checkpoint = { sequence: 1n, data: utf8(CANARY) };
  await call(wire, heartbeat, { handle: await acquire(wire, { key }), checkpoint });
  return key;
}

/** What is done to the row of the first key, perhaps with what the row of the second one has; and why it does not open. */
interface Spoilt {
  readonly made: (wire: Wire) => Promise<Key>;
  readonly other?: (wire: Wire) => Promise<Key>;
  /** `theirs` is the other row, where there is one. */
  readonly set: string;
  readonly why: string;
}

const HEAD = "substr(record.outcome, 1, 2)";

const SPOILT: Readonly<Record<string, Spoilt>> = {
  "a key version that there is not": {
    made: completed,
    set: `outcome = ${HEAD} || '\\x7fffffff'::bytea || substr(record.outcome, 7)`,
    why: "unknown-key-version",
  },
  "the outcome of another record": {
    made: completed,
    other: completed,
    set: "outcome = theirs.outcome, fence = greatest(record.fence, theirs.fence)",
    why: "not-authentic",
  },
  "an error in a result's place": { made: failed, set: "state = 3, reason = null", why: "not-authentic" },
  "a result that was changed in one bit": {
    made: completed,
    set: "outcome = set_bit(record.outcome, 8 * 30, 1 - get_bit(record.outcome, 8 * 30))",
    why: "not-authentic",
  },
  "a result that was cut off": {
    made: completed,
    set: "outcome = substr(record.outcome, 1, octet_length(record.outcome) - 1)",
    why: "not-authentic",
  },
  "the head of a result": { made: completed, set: "outcome = substr(record.outcome, 1, 14)", why: "malformed" },
  "another format": {
    made: completed,
    set: "outcome = '\\x0002'::bytea || substr(record.outcome, 3)",
    why: "malformed",
  },
  "a fence that is to come": {
    made: completed,
    set: "outcome = set_byte(record.outcome, 6, 1)",
    why: "fence-ahead",
  },
  "a result in clear text": {
    made: completed,
    set: `outcome = convert_to('${CANARY}', 'UTF8')`,
    why: "not-sealed",
  },
  "another's checkpoint": {
    made: checkpointed,
    other: checkpointed,
    set: "checkpoint = theirs.checkpoint, fence = greatest(record.fence, theirs.fence)",
    why: "not-authentic",
  },
};

async function unopenable(why: string): Promise<number> {
  return (await readMetrics(stand.server)).get(`holdfast_unopenable_total{why="${why}"}`) ?? 0;
}

const INTERNAL: Refusal = { code: "INTERNAL", reason: "INTERNAL" };

describe.each(DISTINCT_WIRES)("%s", (name) => {
  test.each(Object.entries(SPOILT))(`${row(95)}, encrypted: %s`, async (_, { made, other, set, why }) => {
    const wire = as(stand.wires[name], secret);
    const key = await made(wire);
    const theirs = other === undefined ? key : await other(wire);
    const { rowCount } = await stand.sql.query(
      `update holdfast.record set ${set} from holdfast.record theirs
       where record.tenant = $1 and record.key = $2 and theirs.tenant = $1 and theirs.key = $3`,
      [tenant, key.key, theirs.key],
    );
    expect(rowCount).toBe(1);
    const before = await unopenable(why);
    const requests = [
      [generic(claim), encode(wire, claim, { key, claimId: newClaimId() })],
      [generic(getRecord), encode(wire, getRecord, { key, includeResult: true })],
    ] as const;
    for (const [rpc, request] of requests) {
      const answer = await wire.send(rpc, request);
      expect(readRefusal(answer)).toMatchObject(INTERNAL);
      expect(answer.received).not.toContain(CANARY);
      const alarm = await alarmOf(stand, answer);
      expect(alarm).toMatchObject({ message: "call failed", method: rpc.name, reason: "INTERNAL" });
      expect(JSON.stringify(alarm)).toContain(why);
    }
    expect(await unopenable(why)).toBe(before + requests.length);
    await stand.server.logged("stored content cannot be decrypted");
    const log = JSON.stringify(stand.server.lines) + stand.server.stderr();
    for (const hidden of [CANARY, masterKey]) expect(log).not.toContain(hidden);
    await lives(stand.wires[name]);
    expect((await call(wire, getRecord, { key: await completed(wire) })).record).toBeDefined();
  });

  test(`${row(95)}, encrypted: a tenant whose key was not wrapped with this master key is disabled`, async () => {
    const tenantId = newTenantId();
    await access.register({ tenantId });
    await stand.sql.query("insert into holdfast.tenant_key values ($1, 1, $2, 'first')", [tenantId, randomBytes(60)]);
    const own = (await access.newKey(tenantId)).secret;
    const wire = as(stand.wires[name], own);
    const answer = await wire.send(generic(claim), encode(wire, claim, { key: newKey(), claimId: newClaimId() }));
    expect(readRefusal(answer)).toMatchObject({ code: "FAILED_PRECONDITION", reason: "TENANT_DISABLED" });
    expect(answer.received).not.toContain(tenantId);
    await refusesAs(stand, name, own, claim, { key: { ...newKey(), tenant }, claimId: newClaimId() }, TENANT_FORBIDDEN);
    expect((await access.ask(getTenant, { tenantId })).tenant?.healthReason).not.toMatch(/first|unwrap|0x|\\x/);
  });
});
