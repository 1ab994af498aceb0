import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import type { TenantRegistration } from "../../../src/domain/registration.ts";
import type { TenantHealth } from "../../../src/domain/tenant.ts";
import { type HealthEvent, nextHealth } from "../../../src/domain/tenant-health.ts";
import { createPostgresTenantTable } from "../../../src/tenants/postgres/tenant-table.ts";
import type { FoundName, TenantTable } from "../../../src/tenants/table.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { BY, type Lent, lend, NEVER, newId, registrationOf, until } from "./stand.ts";

let database: TestDatabase;
let lent: Lent;
let table: TenantTable;
/** On connections of their own, so that changes meet in the database and not before. */
let others: readonly TenantTable[];
let admin: pg.Client;
const opened = new AsyncDisposableStack();

beforeAll(async () => {
  database = await createTestDatabase();
  opened.defer(() => database.drop());
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  opened.defer(() => admin.end());
  lent = opened.use(await lend(database.url));
  const tableOver = ({ run }: Lent) => createPostgresTenantTable({ run, change: run, clock: systemClock });
  table = tableOver(lent);
  others = [table, tableOver(opened.use(await lend(database.url))), tableOver(opened.use(await lend(database.url)))];
});
afterAll(() => opened.disposeAsync());

const read = (id: string) => table.read(id, NEVER);
const idOf = async (found: Promise<FoundName>) => (await found).id;
const byHost = (host: string, path = "") => idOf(table.find({ kind: "host", host, path }, NEVER));
const byIssuer = (issuer: string, subject: string) => idOf(table.find({ kind: "issuer", issuer, subject }, NEVER));

async function auditOf(id: string) {
  const { rows } = await admin.query(
    "select actor, action, subject_kind, tenant, reason, detail from holdfast.audit where subject = $1 order by sequence",
    [id],
  );
  return rows;
}

/** Everything that a change could have left behind. */
async function contents(): Promise<unknown> {
  const all: unknown[] = [];
  for (const name of ["tenant", "tenant_host", "tenant_issuer", "audit", "audit_head"]) {
    all.push((await admin.query(`select * from holdfast.${name} t order by t::text`)).rows);
  }
  return all;
}

/** Lets changes begin one after the other, each with what it then sees, and go on only when all of them have. */
async function atOnce<T>(changes: readonly (() => Promise<T>)[]): Promise<readonly T[]> {
  await admin.query("begin");
  await admin.query("select from holdfast.audit_head for update");
  const outcomes = Promise.all(changes.map((change) => change()));
  await until(async () => {
    const { rows } = await admin.query(
      `select count(*)::int as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows[0].waiting === changes.length;
  });
  await admin.query("rollback");
  return outcomes;
}

function everything(id: string): TenantRegistration {
  return {
    id,
    displayName: "Ünïcode 🐘",
    hosts: [
      { host: `${id}.example`, path: "" },
      { host: `${id}.example`, path: "/é" },
    ],
    issuers: [{ issuer: `https://${id}.example`, subject: "", audience: "us", jwksUrl: "https://keys.example/jwks" }],
    agentUrl: "https://user:secret@agent.example/",
    validator: { kind: "http", url: "https://user:secret@validator.example/" },
    eager: true,
    limits: {
      ...{ newRecordsPerSecond: 0.5, newRecordsBurst: 7, liveRecords: 2n ** 62n, storedBytes: 2n ** 53n + 1n },
      ...{ leases: 3, waiters: 4 },
    },
    policy: {
      ...{ hold: true, maxAttempts: 9, maxExecutionMs: 60_000 },
      ...{ resultRetentionMs: 61_000, tombstoneRetentionMs: 0 },
    },
    placement: "second",
    serveStates: ["healthy"],
    encrypted: true,
  };
}

describe("register", () => {
  test("what was registered is read again as it was", async () => {
    const registration = everything(newId());
    const stored = await table.register(registration, "pending", BY);
    expect(stored).toEqual({
      registration,
      generation: stored.generation,
      health: { health: "pending", reason: "", since: stored.createTime },
      draining: false,
      createTime: stored.updateTime,
      updateTime: expect.any(Number),
    });
    expect(await read(registration.id)).toEqual(stored);
    const { rows } = await admin.query("select max(sequence) as sequence from holdfast.audit");
    expect(String(stored.generation)).toBe(rows[0].sequence);
  });

  test("the audit log says who, what and why, and no address", async () => {
    const id = newId();
    await table.register(everything(id), "pending", BY);
    const [row, ...more] = await auditOf(id);
    expect(more).toEqual([]);
    const columns = {
      actor: "api-key:test",
      action: "register",
      subject_kind: "tenant",
      tenant: id,
      reason: "because",
    };
    expect(row).toMatchObject(columns);
    expect(row.detail).toEqual({
      ...{
        id,
        display_name: "Ünïcode 🐘",
        hosts: [`${id}.example`, `${id}.example/é`],
        validator: "http",
        eager: true,
      },
      issuers: [{ issuer: `https://${id}.example`, subject: "", audience: "us" }],
      ...{ new_records_per_second: 0.5, new_records_burst: 7, live_records: String(2n ** 62n) },
      ...{ stored_bytes: String(2n ** 53n + 1n), leases: 3, waiters: 4, hold: true, max_attempts: 9 },
      ...{ max_execution_ms: 60_000, result_retention_ms: 61_000, tombstone_retention_ms: 0 },
      ...{ placement: "second", serve_states: ["healthy"], encrypted: true },
    });
    expect(JSON.stringify(row)).not.toContain("secret");
  });

  test("what is taken is said, and nothing has changed then", async () => {
    const [owner, id] = [newId(), newId()];
    await table.register(everything(owner), "healthy", BY);
    const before = await contents();
    const hosts = [{ host: "free.example", path: "" }];
    const taken = [
      [registrationOf(owner, { hosts }), "TENANT_EXISTS", ""],
      [everything(owner), "TENANT_EXISTS", ""],
      [
        registrationOf(id, { hosts: [...hosts, ...everything(owner).hosts.slice(1)] }),
        "HOST_TAKEN",
        `${owner}.example/é`,
      ],
      [registrationOf(id, { hosts, issuers: everything(owner).issuers }), "ISSUER_TAKEN", ""],
    ] as const;
    for (const [registration, code, name] of taken) {
      const failure = await table.register(registration, "healthy", BY).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code, message: expect.stringContaining(name) });
    }
    expect(await contents()).toEqual(before);
  });

  test("a path that would never be found is refused", async () => {
    const hosts = [{ host: "a.example", path: "/a/" }];
    const registering = table.register(registrationOf(newId(), { hosts }), "healthy", BY);
    await expect(registering).rejects.toMatchObject({ code: "FIELD_INVALID" });
  });

  test("of many who register one host at once, one has it, and the others have left nothing", async () => {
    const host = `${newId()}.example`;
    const names = Array.from({ length: 12 }, newId);
    const outcomes = await Promise.allSettled(
      names.map((id, index) => {
        const at = others[index % others.length] ?? table;
        return at.register(registrationOf(id, { hosts: [{ host, path: "" }] }), "healthy", BY);
      }),
    );
    const won = names.filter((_, index) => outcomes[index]?.status === "fulfilled");
    expect(won).toEqual([await byHost(host)]);
    const reasons = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    for (const reason of reasons) expect(reason).toMatchObject({ code: "HOST_TAKEN" });
    for (const id of names) expect((await auditOf(id)).length).toBe(id === won[0] ? 1 : 0);
  });

  test("a generation never comes again for an id that was unregistered", async () => {
    const id = newId();
    const first = await table.register(registrationOf(id), "healthy", BY);
    await table.unregister(id, BY);
    const second = await table.register(registrationOf(id), "healthy", BY);
    expect(second.generation).toBeGreaterThan(first.generation);
  });
});

describe("update", () => {
  test("everything but placement and encryption is replaced, under a new generation, at one instant", async () => {
    const id = newId();
    const before = await table.register(everything(id), "healthy", BY);
    const declared = {
      hosts: [{ host: `new-${id}.example`, path: "" }, ...everything(id).hosts.slice(1)],
      issuers: [
        { ...everything(id).issuers[0], audience: "them" },
        { issuer: id, subject: "s", audience: "", jwksUrl: "" },
      ],
    } as Partial<TenantRegistration>;
    const registration = registrationOf(id, declared);
    const after = await table.update(registration, "healthy", before.generation, BY);
    expect(after).toMatchObject({
      registration: { ...registration, placement: "second", encrypted: true, hosts: expect.any(Array) },
      ...{ health: before.health, createTime: before.createTime, draining: false },
    });
    expect(new Set(after?.registration.hosts)).toEqual(new Set(registration.hosts));
    expect(after?.generation).toBeGreaterThan(before.generation);
    const stored = await read(id);
    expect({ ...stored, registration: null }).toEqual({ ...after, registration: null });
    expect(new Set(stored?.registration.hosts)).toEqual(new Set(registration.hosts));
    expect(new Set(stored?.registration.issuers)).toEqual(new Set(registration.issuers));
    expect(await byHost(`${id}.example`)).toBeNull();
    expect(await byHost(`new-${id}.example`)).toBe(id);
    const [, row] = await auditOf(id);
    expect(row).toMatchObject({ action: "update", actor: "api-key:test", reason: "because", tenant: id });
    expect(row.detail).toMatchObject({ replaced: Number(before.generation), hosts: expect.any(Array) });
  });

  test("another health begins now and without a reason; the same stays as it was", async () => {
    const id = newId();
    const { generation } = await table.register(registrationOf(id), "healthy", BY);
    const judged = await table.judge(id, generation, { kind: "refused", reason: "no" }, BY);
    const kept = await table.update(registrationOf(id), "unverified", null, BY);
    expect(kept?.health).toEqual(judged);
    const changed = await table.update(registrationOf(id), "healthy", null, BY);
    expect(changed?.health).toEqual({ health: "healthy", reason: "", since: changed?.updateTime });
  });

  test("a verdict between the reading and the update outlives an update that leaves the health alone", async () => {
    const id = newId();
    const { generation } = await table.register(registrationOf(id), "healthy", BY);
    await table.judge(id, generation, { kind: "uncertain", reason: "a time-out" }, BY);
    const updated = await table.update(registrationOf(id), null, generation, BY);
    expect(updated?.health).toMatchObject({ health: "unverified", reason: "a time-out" });
    expect((await table.read(id, Number.POSITIVE_INFINITY))?.health).toEqual(updated?.health);
  });

  test("another generation than the one asked for changes nothing", async () => {
    const id = newId();
    const { generation } = await table.register(registrationOf(id), "healthy", BY);
    const before = await contents();
    const updating = table.update(registrationOf(id, { displayName: "x" }), "healthy", generation + 1n, BY);
    await expect(updating).rejects.toMatchObject({ code: "TENANT_CHANGED" });
    expect(await contents()).toEqual(before);
  });

  test("what is another tenant's is said, and nothing has changed then", async () => {
    const [owner, id] = [newId(), newId()];
    await table.register(everything(owner), "healthy", BY);
    await table.register(registrationOf(id, { hosts: [{ host: `${id}.example`, path: "" }] }), "healthy", BY);
    const before = await contents();
    const { hosts, issuers } = everything(owner);
    await expect(table.update(registrationOf(id, { hosts }), "healthy", null, BY)).rejects.toMatchObject({
      code: "HOST_TAKEN",
      message: expect.stringContaining(`${owner}.example`),
    });
    await expect(table.update(registrationOf(id, { issuers }), "healthy", null, BY)).rejects.toMatchObject({
      code: "ISSUER_TAKEN",
    });
    expect(await contents()).toEqual(before);
  });

  test("there is none: null", async () => {
    expect(await table.update(registrationOf(newId()), "healthy", null, BY)).toBeNull();
    expect(await table.update(registrationOf(newId()), "healthy", 1n, BY)).toBeNull();
  });

  test("an update that waited for another one begins anew from what that has left", async () => {
    const [id, kept] = [newId(), { issuer: newId(), subject: "", audience: "", jwksUrl: "" }];
    const declare = (name: string) => ({
      hosts: [{ host: `${name}.${id}.example`, path: "" }],
      issuers: [kept, { ...kept, subject: name }],
    });
    await table.register(registrationOf(id, declare("before")), "healthy", BY);
    const updated = await atOnce(
      others.map((at, index) => () => at.update(registrationOf(id, declare(`name-${index}`)), "healthy", null, BY)),
    );
    const last = updated.reduce((a, b) => ((a?.generation ?? 0n) > (b?.generation ?? 0n) ? a : b));
    expect(await read(id)).toEqual(last);
    expect((await auditOf(id)).length).toBe(1 + others.length);
  });

  test("of updates at the same time each has its turn, and the hosts are those of the last", async () => {
    const id = newId();
    await table.register(registrationOf(id, { hosts: [{ host: `${id}.example`, path: "" }] }), "healthy", BY);
    const updated = await Promise.all(
      Array.from({ length: 9 }, (_, index) => {
        const hosts = [{ host: `host-${index}.${id}.example`, path: "" }];
        return (others[index % others.length] ?? table).update(registrationOf(id, { hosts }), "healthy", null, BY);
      }),
    );
    const stored = await read(id);
    const last = updated.reduce((a, b) => ((a?.generation ?? 0n) > (b?.generation ?? 0n) ? a : b));
    expect(new Set(updated.map((row) => row?.generation)).size).toBe(9);
    expect(stored?.generation).toBe(last?.generation);
    expect(stored?.registration.hosts.length).toBe(1);
    const { rows } = await admin.query("select host from holdfast.tenant_host where tenant = $1", [id]);
    expect(rows).toEqual([{ host: stored?.registration.hosts[0]?.host }]);
  });
});

describe("unregister", () => {
  test("nothing is found of it afterwards, and others keep their hosts", async () => {
    const [id, other] = [newId(), newId()];
    const { generation } = await table.register(everything(id), "healthy", BY);
    await table.register(registrationOf(other, { hosts: [{ host: `${id}.example`, path: "/other" }] }), "healthy", BY);
    expect(await table.unregister(id, BY)).toBe(true);
    expect(await read(id)).toBeNull();
    expect(await byHost(`${id}.example`)).toBeNull();
    expect(await byHost(`${id}.example`, "/other/x")).toBe(other);
    expect(await byIssuer(`https://${id}.example`, "")).toBeNull();
    const [, row] = await auditOf(id);
    expect(row).toMatchObject({ action: "unregister", reason: "because", detail: { generation: Number(generation) } });
    expect(await table.unregister(id, BY)).toBe(false);
    expect((await auditOf(id)).length).toBe(2);
  });
});

describe("drain", () => {
  test("it holds until it is taken back, under the same generation; the same again changes nothing", async () => {
    const id = newId();
    const stored = await table.register(registrationOf(id), "healthy", BY);
    for (const draining of [true, true, false, false]) {
      expect(await table.drain(id, draining, BY)).toEqual({ ...stored, draining });
    }
    const [, ...rows] = await auditOf(id);
    expect(rows).toMatchObject([
      { action: "drain", actor: "api-key:test", reason: "because", detail: {} },
      { action: "resume", actor: "api-key:test", reason: "because", detail: {} },
    ]);
    expect(rows.length).toBe(2);
  });

  test("there is none: null", async () => {
    expect(await table.drain(newId(), true, BY)).toBeNull();
  });
});

describe("judge", () => {
  const healths: readonly TenantHealth[] = ["pending", "healthy", "unverified", "disabled"];
  const events: readonly HealthEvent[] = [
    { kind: "accepted" },
    { kind: "refused", reason: "no" },
    { kind: "uncertain", reason: "perhaps" },
    { kind: "build-failed", reason: "broken" },
  ];
  const cases = healths.flatMap((health) => events.map((event) => [health, event] as const));

  test.each(cases)("%s, then %j: what holds is what was decided", async (from, event) => {
    const id = newId();
    const { generation, health } = await table.register(registrationOf(id), from, BY);
    const to = nextHealth(from, event);
    const reason = event.kind === "accepted" ? "" : event.reason;
    const judged = await table.judge(id, generation, event, BY);
    expect(judged).toEqual({ health: to, reason, since: to === from ? health.since : expect.any(Number) });
    expect((await read(id))?.health).toEqual(judged);
    expect((await read(id))?.generation).toBe(generation);
    const [, ...rows] = await auditOf(id);
    const isSame = to === from && reason === "";
    expect(rows.map(({ action, detail }) => ({ action, detail }))).toEqual(
      isSame ? [] : [{ action: "health", detail: { from, to, event: event.kind, reason } }],
    );
    expect(await table.judge(id, generation, event, BY)).toMatchObject({ health: nextHealth(to, event) });
  });

  test("a verdict on a generation that is gone lands nowhere", async () => {
    const id = newId();
    const { generation } = await table.register(registrationOf(id), "healthy", BY);
    await table.unregister(id, BY);
    const anew = await table.register(registrationOf(id), "healthy", BY);
    expect(await table.judge(id, generation, { kind: "refused", reason: "old" }, BY)).toBeNull();
    expect(await read(id)).toEqual(anew);
    expect(await table.judge(newId(), 1n, { kind: "accepted" }, BY)).toBeNull();
  });

  test("a verdict that waited for another one is judged anew from what that has left", async () => {
    const id = newId();
    const { generation } = await table.register(registrationOf(id), "healthy", BY);
    await atOnce(others.map((at) => () => at.judge(id, generation, { kind: "refused", reason: "no" }, BY)));
    expect((await read(id))?.health.health).toBe("disabled");
    const [, ...rows] = await auditOf(id);
    expect(rows.map(({ detail }) => `${detail.from} ${detail.to}`)).toEqual([
      "healthy unverified",
      "unverified disabled",
    ]);
  });

  test("a reason is cut to what there is room for, between two characters", async () => {
    const id = newId();
    const { generation } = await table.register(registrationOf(id), "healthy", BY);
    const judged = await table.judge(id, generation, { kind: "refused", reason: "é".repeat(1_000) }, BY);
    expect(judged?.reason).toBe("é".repeat(128));
  });
});

describe("find", () => {
  test("the longest prefix on a boundary wins", async () => {
    const [root, deep, host] = [newId(), newId(), `${newId()}.example`];
    await table.register(registrationOf(root, { hosts: [{ host, path: "" }] }), "healthy", BY);
    await table.register(registrationOf(deep, { hosts: [{ host, path: "/a/b" }] }), "healthy", BY);
    const found: readonly (readonly [path: string, id: string])[] = [
      ["", root],
      ["/", root],
      ["/a", root],
      ["/a/bc", root],
      ["/A/b", root],
      ["/a/b", deep],
      ["/a/b/", deep],
      ["/a/b?c", deep],
      ["/a/b/c/d", deep],
      ["/a?/b", root],
    ];
    for (const [path, id] of found) expect(await byHost(host, path), path).toBe(id);
  });

  test.each(["%", "*", "other.example", "", "a\0b"])("nobody is found under the host %j", async (host) => {
    expect(await byHost(host, "/")).toBeNull();
  });

  test("a subject that is named wins over every subject", async () => {
    const [all, one, issuer] = [newId(), newId(), `https://${newId()}.example`];
    const of = (subject: string) => ({ issuers: [{ issuer, subject, audience: "", jwksUrl: "" }] });
    await table.register(registrationOf(all, of("")), "healthy", BY);
    await table.register(registrationOf(one, of("robot")), "healthy", BY);
    expect(await byIssuer(issuer, "robot")).toBe(one);
    expect(await byIssuer(issuer, "robots")).toBe(all);
    expect(await byIssuer(issuer, "")).toBe(all);
    expect(await byIssuer(`${issuer}/`, "robot")).toBeNull();
  });

  test("it is said whether the answer is that of this subject, of those that nobody names, or of all", async () => {
    const [all, one, issuer] = [newId(), newId(), `https://${newId()}.example`];
    const of = (subject: string) => ({ issuers: [{ issuer, subject, audience: "", jwksUrl: "" }] });
    const found = async (subject: string, by = issuer) => {
      const { id, subjects } = await table.find({ kind: "issuer", issuer: by, subject }, NEVER);
      return [id, subjects];
    };
    expect(await found("robot")).toEqual([null, "all"]);
    await table.register(registrationOf(all, of("")), "healthy", BY);
    for (const subject of ["robot", ""]) expect(await found(subject)).toEqual([all, "all"]);
    await table.register(registrationOf(one, of("robot")), "healthy", BY);
    expect(await found("robot")).toEqual([one, "one"]);
    for (const subject of ["robots", ""]) expect(await found(subject)).toEqual([all, "unnamed"]);
    expect(await found("robot", `${issuer}/`)).toEqual([null, "all"]);
    await table.unregister(all, BY);
    expect(await found("robots")).toEqual([null, "unnamed"]);
    expect(await table.find({ kind: "id", id: one }, NEVER)).toMatchObject({ id: one, subjects: "one" });
    expect(await table.find({ kind: "host", host: "nobody", path: "" }, NEVER)).toMatchObject({ subjects: "one" });
  });

  const HOST = { host: "a", path: "" };
  const ISSUER = { issuer: "i", subject: "s", audience: "a", jwksUrl: "https://keys.example/" };
  const CHANGES: readonly (readonly [what: string, change: Partial<TenantRegistration>, changesNames: boolean])[] = [
    ["nothing", {}, false],
    ["what is no name", { displayName: "New", eager: true, agentUrl: "https://agent.example/" }, false],
    ["who verifies an issuer", { issuers: [{ ...ISSUER, audience: "b", jwksUrl: "" }] }, false],
    ["a host that comes", { hosts: [HOST, { ...HOST, path: "/b" }] }, true],
    ["a host that is declared twice", { hosts: [HOST, HOST] }, false],
    ["a path", { hosts: [{ ...HOST, path: "/b" }] }, true],
    ["a host that goes", { hosts: [] }, true],
    ["a subject", { issuers: [{ ...ISSUER, subject: "" }] }, true],
    ["an issuer that comes", { issuers: [ISSUER, { ...ISSUER, issuer: "j" }] }, true],
    ["an issuer that goes", { issuers: [] }, true],
  ];

  test.each(CHANGES)("an update of %s changes names or does not: %j, %s", async (_, change, changesNames) => {
    const id = newId();
    const own = (declared: Partial<TenantRegistration>) =>
      registrationOf(id, {
        ...declared,
        hosts: (declared.hosts ?? [HOST]).map(({ host, path }) => ({ host: `${id}.${host}`, path })),
        issuers: (declared.issuers ?? [ISSUER]).map((each) => ({ ...each, issuer: `${id}.${each.issuer}` })),
      });
    const { names: before } = await table.find({ kind: "id", id }, NEVER);
    const { generation } = await table.register(own({}), "healthy", BY);
    const { names: registered } = await table.find({ kind: "id", id }, NEVER);
    expect(registered).toBe(generation);
    expect(registered).toBeGreaterThan(before);
    await table.drain(id, true, BY);
    await table.judge(id, generation, { kind: "refused", reason: "no" }, BY);
    const updated = await table.update(own(change), null, null, BY);
    const { names } = await table.find({ kind: "id", id }, NEVER);
    expect(names).toBe(changesNames ? updated?.generation : registered);
    await table.unregister(id, BY);
    expect((await table.find({ kind: "id", id }, NEVER)).names).toBeGreaterThan(names);
  });

  test("an update that names what was there before it waited changes names, if that is gone by then", async () => {
    const [id, host] = [newId(), `${newId()}.example`];
    const kept = registrationOf(id, { hosts: [{ host, path: "" }] });
    await table.register(kept, "healthy", BY);
    // Whichever comes first, the other one takes away or brings back.
    const updates = [registrationOf(id), kept].map(
      (registration, index) => () => (others[index] ?? table).update(registration, "healthy", null, BY),
    );
    const updated = await atOnce(updates);
    const last = updated.reduce((a, b) => ((a?.generation ?? 0n) > (b?.generation ?? 0n) ? a : b));
    const found = await table.find({ kind: "host", host, path: "" }, NEVER);
    expect(found).toMatchObject({ id: last?.registration.hosts.length === 0 ? null : id, names: last?.generation });
  });

  test.each(["nobody", "DEFAULT", "%", "default' or true --", ""])("nobody is found under the id %j", async (id) => {
    expect(await idOf(table.find({ kind: "id", id }, NEVER))).toBeNull();
  });
});

describe("lists", () => {
  test("all tenants come by id, page by page", async () => {
    const names = ["zz-1", "zz-2", "zz-3"];
    for (const id of names) await table.register(registrationOf(id), "healthy", BY);
    const idsAfter = async (after: string, limit: number) =>
      (await table.list(after, limit, NEVER)).map(({ registration }) => registration.id);
    expect(await idsAfter("zz", 2)).toEqual(["zz-1", "zz-2"]);
    expect(await idsAfter("zz-2", 2)).toEqual(["zz-3"]);
    expect(await idsAfter("zz-3", 2)).toEqual([]);
  });

  test("eager tenants come all, and nobody else", async () => {
    const [eager, lazy] = [newId(), newId()];
    await table.register(registrationOf(eager, { eager: true }), "healthy", BY);
    await table.register(registrationOf(lazy), "healthy", BY);
    await admin.query(
      "insert into holdfast.tenant (id, eager) select 'many-' || i, true from generate_series(1, 1200) i",
    );
    const found = new Set((await table.eager()).map(({ registration }) => registration.id));
    expect(found.has(eager) && !found.has(lazy)).toBe(true);
    const { rows } = await admin.query("select count(*)::int as eager from holdfast.tenant where eager");
    expect(found.size).toBe(rows[0].eager);
  });
});

describe("faults", () => {
  test("a deadline that has passed asks nothing", async () => {
    lent.statements.length = 0;
    for (const asking of [table.read("default", -1), table.list("", 1, -1), table.find({ kind: "id", id: "x" }, -1)]) {
      await expect(asking).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    }
    expect(lent.statements).toEqual([]);
  });

  test("a database that is away is a store that does not answer", async () => {
    await using away = await lend(database.url);
    away.isAway = true;
    const lost = createPostgresTenantTable({ run: away.run, change: away.run, clock: systemClock });
    const asked = [lost.read("default", NEVER), lost.eager(), lost.register(registrationOf(newId()), "healthy", BY)];
    for (const asking of asked) await expect(asking).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  test("what the schema refuses is nobody's shortage", async () => {
    const registering = table.register(registrationOf("NOT-AN-ID"), "healthy", BY);
    await expect(registering).rejects.toMatchObject({ code: "INTERNAL", message: "Internal error." });
  });
});
