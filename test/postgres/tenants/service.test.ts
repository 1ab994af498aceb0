import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import type { Verdict } from "../../../src/domain/registration.ts";
import { tamper } from "../../support/audit-log.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { BY, hear, NEVER, newId, openServer, registrationOf, type Server, until } from "./stand.ts";

/** Nobody listens there. */
const DEAD_URL = "postgresql://holdfast@127.0.0.1:1/holdfast";

let database: TestDatabase;
let url: string;
let admin: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  ({ url } = database);
  admin = new pg.Client({ connectionString: database.ownerUrl });
  await admin.connect();
});
afterAll(async () => {
  await admin?.end();
  await database?.drop();
});

const enter = ({ service }: Server, id: string) => service.enter(id, NEVER);
const tenantOf = async (server: Server, id: string) => (await enter(server, id))?.tenant ?? null;
const byHost = ({ service }: Server, host: string, path = "") => service.find({ kind: "host", host, path }, NEVER);
const byId = ({ service }: Server, id: string) => service.find({ kind: "id", id }, NEVER);
const register = ({ table }: Server, id: string, declared = {}) =>
  table.register(registrationOf(id, declared), "healthy", BY);

/** Statements about tenants, which are not the feed's. */
const questionsOf = ({ lent }: Server) => lent.statements.filter((name) => name !== "read-changes");

/** Resolves when the server has been told of everything that was changed before; what it asked until then is forgotten. */
async function caughtUp(server: Server): Promise<void> {
  const heard = hear(server.feed);
  const marker = newId();
  await register(server, marker);
  await until(() => heard.changes.some(({ subject }) => subject === marker));
  server.lent.statements.length = 0;
}

/** Resolves once the next statement of this name is about to be sent, which then waits for `go`. */
function stopBefore({ lent }: Server, name: string) {
  const reached = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  lent.before = async (statement) => {
    if (statement !== name) return;
    lent.before = () => undefined;
    reached.resolve();
    await go.promise;
  };
  return { reached: reached.promise, go: go.resolve };
}

describe("entering", () => {
  test("1 000 first calls at once are one read and one build, and the next ones are neither", async () => {
    await using server = await openServer(url);
    const id = newId();
    await register(server, id);
    await caughtUp(server);
    const entered = await Promise.all(Array.from({ length: 1_000 }, () => enter(server, id)));
    expect(new Set(entered).size).toBe(1);
    expect(entered[0]).toMatchObject({ tenant: { id, health: "healthy" }, runtime: { hub: expect.anything() } });
    for (let call = 0; call < 100; call++) expect(await enter(server, id)).toBe(entered[0]);
    expect(questionsOf(server)).toEqual(["read-tenants"]);
    expect(server.builds).toEqual([id]);
    expect(server.service.stateOf(id)).toBe("built");
  });

  test("an answer that has come is the same promise each time, whatever the deadline", async () => {
    await using server = await openServer(url);
    await enter(server, "default");
    await server.service.enter("default", NEVER);
    expect(server.service.enter("default", -1)).toBe(server.service.enter("default", NEVER));
  });

  test("nobody is told once, from memory for a second, and at once when somebody is registered", async () => {
    await using server = await openServer(url);
    await using other = await openServer(url);
    const id = newId();
    expect(await enter(server, id)).toBeNull();
    for (let call = 0; call < 100; call++) expect(await enter(server, id)).toBeNull();
    expect(questionsOf(server)).toEqual(["read-tenants"]);
    await register(other, id);
    await until(async () => (await tenantOf(server, id))?.id === id);
  });

  test.each(["", "A", "a b", "a\0", "x".repeat(64), "é"])("%j is nobody's id, and is not asked for", async (id) => {
    await using server = await openServer(url);
    expect(await enter(server, id)).toBeNull();
    expect(await byId(server, id)).toBeNull();
    expect(questionsOf(server)).toEqual([]);
  });

  test("each caller has its own deadline, and none ends the read or the build that others wait for", async () => {
    const building = Promise.withResolvers<void>();
    await using server = await openServer(url, { build: () => building.promise });
    const id = newId();
    await register(server, id);
    const reading = stopBefore(server, "read-tenants");
    const patient = enter(server, id);
    await reading.reached;
    await expect(server.service.enter(id, 0)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    reading.go();
    await until(() => server.service.stateOf(id) === "building");
    await expect(server.service.enter(id, 0)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    building.resolve();
    expect((await patient)?.tenant.id).toBe(id);
    expect(server.builds).toEqual([id]);
  });

  test("too many unknown names are refused with a time to wait, and tenants that are known are not", async () => {
    await using server = await openServer(url, { limits: { lookupsPerSecond: 0.001, lookupsBurst: 5 } });
    await enter(server, "default");
    for (let name = 0; name < 5; name++) expect(await enter(server, `guess-${name}`)).toBeNull();
    const refused = { code: "OVERLOADED", retryAfterMs: expect.any(Number) };
    await expect(enter(server, "guess-6")).rejects.toMatchObject(refused);
    expect((await tenantOf(server, "default"))?.id).toBe("default");
  });

  test("who guesses hosts keeps nobody from entering tenants", async () => {
    await using server = await openServer(url, { limits: { lookupsPerSecond: 0.001, lookupsBurst: 5 } });
    for (let name = 0; name < 5; name++) expect(await byHost(server, `guess-${name}.example`)).toBeNull();
    await expect(byHost(server, "guess.example")).rejects.toMatchObject({ code: "OVERLOADED" });
    expect(await enter(server, "guess")).toBeNull();
    expect((await tenantOf(server, "default"))?.id).toBe("default");
  });

  test("the first calls of tenants that are there cost nothing of that", async () => {
    await using server = await openServer(url, { limits: { lookupsPerSecond: 0.001, lookupsBurst: 2 } });
    const names = Array.from({ length: 8 }, newId);
    for (const id of names) await register(server, id);
    for (const id of names) expect((await tenantOf(server, id))?.id).toBe(id);
  });

  test("a build that fails for a reason that passes is tried by the next call; another one disables here", async () => {
    const failures: unknown[] = [
      new Fault("STORE_UNAVAILABLE", "away"),
      new Fault("DEADLINE_EXCEEDED", "late"),
      new Error("postgresql://user:secret@host"),
    ];
    await using server = await openServer(url, {
      async build() {
        throw failures.shift();
      },
    });
    const id = newId();
    await register(server, id);
    await expect(enter(server, id)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await expect(enter(server, id)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    const entered = await enter(server, id);
    expect(entered).toMatchObject({ runtime: null, tenant: { health: "disabled" } });
    expect(entered?.tenant.healthReason).not.toContain("secret");
    expect(server.service.stateOf(id)).toBe("failed");
    expect((await server.table.read(id, NEVER))?.health.health).toBe("healthy");
  });

  test("only so many tenants are held: the longest idle go, and their runtimes are disposed of", async () => {
    await using server = await openServer(url, { limits: { registeredMax: 3, idleMs: 600_000 } });
    const names = Array.from({ length: 3 }, newId);
    for (const id of names) {
      await register(server, id);
      await enter(server, id);
    }
    expect(server.service.status()).toMatchObject({ registered: 3, built: 3 });
    // All three are in use.
    await expect(enter(server, "default")).rejects.toMatchObject({ code: "OVERLOADED" });
    await until(async () => (await enter(server, "default").catch(() => null)) !== null);
    expect(server.service.status().registered).toBeLessThanOrEqual(3);
    expect(server.disposed.length).toBeGreaterThan(0);
  });
});

describe("finding", () => {
  test("hosts and issuers are found without building, and a second time without a question, found or not", async () => {
    await using server = await openServer(url);
    const [id, deep, host] = [newId(), newId(), `${newId()}.example`];
    const issuers = [{ issuer: host, subject: "s", audience: "", jwksUrl: "" }];
    await register(server, id, { issuers, hosts: [{ host, path: "" }] });
    await register(server, deep, { hosts: [{ host, path: "/deep" }] });
    await caughtUp(server);
    // One is built, and does not stand in the way of the longer prefix of the other.
    await enter(server, id);
    server.lent.statements.length = 0;
    for (let call = 0; call < 3; call++) {
      expect(await byHost(server, host, "/x")).toBe(id);
      expect(await byHost(server, host, "/deep/er")).toBe(deep);
      expect(await byHost(server, `nobody.${host}`)).toBeNull();
      expect(await byId(server, deep)).toBe(deep);
      expect(await byId(server, "nobody")).toBeNull();
      expect(await server.service.find({ kind: "issuer", issuer: host, subject: "s" }, NEVER)).toBe(id);
    }
    expect(questionsOf(server).length).toBe(6);
    expect(server.builds).toEqual([id]);
  });

  test("all subjects of an issuer are one question, again after a change of names, and none of them is refused", async () => {
    await using server = await openServer(url, { limits: { lookupsPerSecond: 0.001, lookupsBurst: 1 } });
    const [id, issuer] = [newId(), `https://${newId()}.example`];
    await register(server, id, { issuers: [{ issuer, subject: "", audience: "us", jwksUrl: "" }] });
    const subjects = Array.from({ length: 5_000 }, (_, index) => `user-${index}`);
    for (let time = 0; time < 3; time++) {
      await caughtUp(server);
      const found = await Promise.all(subjects.map((subject) => server.service.findIssuer(issuer, subject, NEVER)));
      expect(new Set(found)).toEqual(new Set([id]));
      expect(questionsOf(server)).toEqual(["find-tenant-by-issuer"]);
    }
  });

  test("a change of a tenant that changes no name is no reason to ask for one again", async () => {
    await using server = await openServer(url);
    const [id, host] = [newId(), `${newId()}.example`];
    await register(server, id, { hosts: [{ host, path: "" }] });
    await caughtUp(server);
    expect(await byHost(server, host)).toBe(id);
    const heard = hear(server.feed);
    await server.table.update(registrationOf(id, { displayName: "New", hosts: [{ host, path: "" }] }), null, null, BY);
    await until(() => heard.changes.some(({ action }) => action === "update"));
    server.lent.statements.length = 0;
    expect(await byHost(server, host)).toBe(id);
    expect(questionsOf(server)).toEqual([]);
  });

  test("1 000 who ask for one host at once ask one question", async () => {
    await using server = await openServer(url);
    await Promise.all(Array.from({ length: 1_000 }, () => byHost(server, "nobody.example")));
    expect(questionsOf(server)).toEqual(["find-tenant-by-host"]);
  });
});

describe.each([
  ["while notifications arrive", false],
  ["while only the polls see it", true],
])("two servers agree %s", (_, isDeaf) => {
  const options = () => (isDeaf ? { listenUrl: DEAD_URL } : {});

  test("on every change that one of them makes", async () => {
    await using one = await openServer(url);
    await using other = await openServer(url, options());
    const [id, host] = [newId(), `${newId()}.example`];
    expect(await byHost(other, host)).toBeNull();
    expect(await enter(other, id)).toBeNull();

    await register(one, id, { hosts: [{ host, path: "" }] });
    await until(async () => (await byHost(other, host)) === id);
    const first = await enter(other, id);

    await one.table.drain(id, true, BY);
    await until(async () => (await tenantOf(other, id))?.draining);
    await one.table.drain(id, false, BY);
    await until(async () => !(await tenantOf(other, id))?.draining);

    const hosts = [{ host: `new.${host}`, path: "" }];
    const updated = await one.table.update(registrationOf(id, { hosts, displayName: "New" }), "healthy", null, BY);
    await until(async () => (await tenantOf(other, id))?.generation === updated?.generation);
    expect(await byHost(other, host)).toBeNull();
    expect(await byHost(other, `new.${host}`)).toBe(id);
    expect(other.disposed).toEqual([first?.runtime]);

    await one.table.judge(id, updated?.generation ?? 0n, { kind: "refused", reason: "no" }, BY);
    await until(async () => (await tenantOf(other, id))?.health === "unverified");
    expect(await tenantOf(other, id)).toMatchObject({ healthReason: "no" });

    await one.table.unregister(id, BY);
    await until(async () => (await enter(other, id)) === null);
    expect(await byHost(other, `new.${host}`)).toBeNull();
    expect(other.disposed.length).toBe(2);
  });
});

describe("changes", () => {
  test("what was changed through this server holds when `changed` returns, without a feed", async () => {
    await using server = await openServer(url);
    const [id, host] = [newId(), `${newId()}.example`];
    await server.feed[Symbol.asyncDispose]();
    expect(await enter(server, id)).toBeNull();
    expect(await byHost(server, host)).toBeNull();
    await register(server, id, { hosts: [{ host, path: "" }] });
    await server.service.changed(id);
    expect(await byHost(server, host)).toBe(id);
    expect((await tenantOf(server, id))?.draining).toBe(false);
    await server.table.drain(id, true, BY);
    await server.service.changed(id);
    expect((await tenantOf(server, id))?.draining).toBe(true);
    await server.table.unregister(id, BY);
    await server.service.changed(id);
    expect(await enter(server, id)).toBeNull();
  });

  test("an update swaps without a gap: what serves goes on serving until the new one is built", async () => {
    const building = Promise.withResolvers<void>();
    let builds = 0;
    await using server = await openServer(url, { build: async () => (builds++ === 0 ? undefined : building.promise) });
    const id = newId();
    const { generation } = await register(server, id);
    const before = await enter(server, id);
    const after = await server.table.update(registrationOf(id, { displayName: "New" }), "healthy", null, BY);
    await until(() => builds === 2);
    expect(await enter(server, id)).toBe(before);
    expect(before?.tenant.generation).toBe(generation);
    building.resolve();
    await until(async () => (await tenantOf(server, id))?.generation === after?.generation);
    expect(server.disposed).toEqual([before?.runtime]);
  });

  test("unregistered and registered anew while another server builds: the old build lands nowhere", async () => {
    const first = Promise.withResolvers<void>();
    const builds: string[] = [];
    await using one = await openServer(url);
    await using other = await openServer(url, {
      async build({ displayName }) {
        builds.push(displayName);
        if (displayName === "old") await first.promise;
      },
    });
    const id = newId();
    await register(one, id, { displayName: "old" });
    const entering = enter(other, id);
    await until(() => builds.length === 1);
    await one.table.unregister(id, BY);
    const anew = await register(one, id, { displayName: "new" });
    await until(async () => (await tenantOf(other, id))?.generation === anew.generation);
    const entered = await enter(other, id);
    expect(entered?.tenant.displayName).toBe("new");
    // Nobody, if it was gone when the caller looked again; never what is gone.
    expect([null, entered]).toContain(await entering);
    expect(other.disposed).toEqual([]);
    first.resolve();
    await until(() => other.disposed.length === 1);
    expect(other.disposed).not.toContain(entered?.runtime);
    expect(await enter(other, id)).toBe(entered);
  });

  const ANEW = [
    ["on another cluster", { placement: "eu" }],
    ["on the same one", {}],
    ["eager", { eager: true }],
  ] as const;

  test.each(ANEW)(
    "unregistered and registered anew, %s, between two looks of another server: nothing of the deleted tenant serves there",
    async (_, declared) => {
      await using one = await openServer(url);
      await using other = await openServer(url, { validate: async () => ({ kind: "refused", reason: "no" }) });
      const id = newId();
      await register(one, id, { displayName: "old" });
      const deleted = await enter(other, id);
      const looking = stopBefore(other, "read-changes");
      await one.table.unregister(id, BY);
      await looking.reached;
      const validator = { kind: "http", url: "https://validator.example/" } as const;
      const anew = registrationOf(id, { ...declared, displayName: "new", validator });
      const { generation } = await one.table.register(anew, "pending", BY);
      looking.go();
      await until(() => other.disposed.length === 1);
      expect(other.disposed).toEqual([deleted?.runtime]);
      await until(async () => (await tenantOf(other, id))?.health === "disabled");
      expect(await tenantOf(other, id)).toMatchObject({ displayName: "new", generation, healthReason: "no" });
      expect(other.builds).toEqual([id, id]);
      await one.table.unregister(id, BY);
    },
  );

  test("what was changed while the database was away holds once it is back; what is known serves meanwhile", async () => {
    await using one = await openServer(url);
    await using other = await openServer(url);
    const [id, gone, host] = [newId(), newId(), `${newId()}.example`];
    await register(one, id, { hosts: [{ host, path: "" }] });
    await register(one, gone);
    await caughtUp(other); // Else news of these comes afterwards, and what was found before it has to be asked again.
    for (const known of [id, gone]) await enter(other, known);
    expect(await byHost(other, host)).toBe(id);
    other.lent.isAway = true;
    await until(() => !other.feed.status().isReading);
    await one.table.drain(id, true, BY);
    await one.table.unregister(gone, BY);
    expect(await tenantOf(other, id)).toMatchObject({ draining: false });
    expect(await byHost(other, host)).toBe(id);
    await expect(enter(other, newId())).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await expect(byHost(other, `other.${host}`)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await expect(other.service.changed(id)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    other.lent.isAway = false;
    await until(async () => (await tenantOf(other, id))?.draining && (await enter(other, gone)) === null);
  });

  test("after a restore everything is read again, and nothing that was remembered is told", async () => {
    await using server = await openServer(url);
    const [id, host] = [newId(), `${newId()}.example`];
    await register(server, id);
    await enter(server, id);
    expect(await byHost(server, host)).toBeNull();
    await server.table.drain(id, true, BY);
    await until(async () => (await tenantOf(server, id))?.draining);
    expect(await byHost(server, host)).toBeNull();
    await admin.query("update holdfast.tenant set draining = false where id = $1", [id]);
    await admin.query("insert into holdfast.tenant_host (host, tenant) values ($1, $2)", [host, id]);
    await tamper(
      admin,
      `update holdfast.audit set time = time + interval '1 s'
        where sequence = (select sequence from holdfast.audit_head)`,
    );
    await until(async () => (await tenantOf(server, id))?.draining === false);
    expect(await byHost(server, host)).toBe(id);
  });

  test("a change whose row cannot be read at first is applied when it can", async () => {
    await using one = await openServer(url);
    await using other = await openServer(url);
    const id = newId();
    await register(one, id);
    await enter(other, id);
    let failures = 3;
    other.lent.before = (statement) => {
      if (statement !== "read-tenants" || failures-- <= 0) return;
      throw Object.assign(new pg.DatabaseError("too many connections", 0, "error"), { code: "53300" });
    };
    await one.table.drain(id, true, BY);
    await until(async () => (await tenantOf(other, id))?.draining);
    expect(failures).toBeLessThan(0);
  });
});

describe("health", () => {
  const validator = { kind: "http", url: "https://validator.example/" } as const;

  test("a pending tenant is validated by whoever enters it first, and all learn the verdict", async () => {
    let asked = 0;
    const validate = async (): Promise<Verdict> => {
      asked++;
      return { kind: "accepted" };
    };
    await using one = await openServer(url, { validate });
    await using other = await openServer(url, { validate });
    const id = newId();
    await one.table.register(registrationOf(id, { validator }), "pending", BY);
    await enter(one, id);
    await until(async () => (await tenantOf(one, id))?.health === "healthy");
    expect((await tenantOf(other, id))?.health).toBe("healthy");
    expect(asked).toBe(1);
    const { rows } = await admin.query("select actor from holdfast.audit where subject = $1 and action = 'health'", [
      id,
    ]);
    expect(rows).toEqual([{ actor: "server" }]);
  });

  test("a recheck is the operator's in the audit log, and holds on the other server", async () => {
    await using one = await openServer(url, { validate: async () => ({ kind: "refused", reason: "revoked" }) });
    await using other = await openServer(url);
    const id = newId();
    await one.table.register(registrationOf(id, { validator }), "healthy", BY);
    await enter(other, id);
    expect(await one.service.recheck(id, BY)).toMatchObject({ health: "unverified", reason: "revoked" });
    await until(async () => (await tenantOf(other, id))?.health === "unverified");
    const { rows } = await admin.query(
      "select actor, reason from holdfast.audit where subject = $1 and action = 'health'",
      [id],
    );
    expect(rows).toEqual([{ actor: BY.actor, reason: BY.reason }]);
    expect(await one.service.recheck(newId(), BY)).toBeNull();
  });

  test("a verdict on a registration that is gone lands nowhere, here or in the table", async () => {
    const verdict = Promise.withResolvers<Verdict>();
    let asked = 0;
    await using one = await openServer(url, {
      validate: () => {
        asked++;
        return verdict.promise;
      },
    });
    await using other = await openServer(url);
    const id = newId();
    await one.table.register(registrationOf(id, { validator }), "healthy", BY);
    const rechecking = one.service.recheck(id, BY);
    rechecking.catch(() => undefined);
    await until(() => asked === 1);
    await one.feed[Symbol.asyncDispose]();
    await other.table.unregister(id, BY);
    const anew = await other.table.register(registrationOf(id), "healthy", BY);
    verdict.resolve({ kind: "refused", reason: "old" });
    await expect(rechecking).rejects.toMatchObject({ code: "TENANT_CHANGED" });
    expect(await other.table.read(id, NEVER)).toEqual(anew);
    await one.service.changed(id);
    expect(await tenantOf(one, id)).toMatchObject({ health: "healthy", generation: anew.generation });
  });

  test("health and draining outlive a restart", async () => {
    const id = newId();
    {
      await using server = await openServer(url, { validate: async () => ({ kind: "refused", reason: "no" }) });
      await server.table.register(registrationOf(id, { validator }), "healthy", BY);
      await server.service.recheck(id, BY);
      await server.table.drain(id, true, BY);
    }
    await using server = await openServer(url);
    expect(await tenantOf(server, id)).toMatchObject({ health: "unverified", healthReason: "no", draining: true });
  });
});

describe("starting", () => {
  test("eager tenants are built in the background, at the start and when they are registered", async () => {
    const building = Promise.withResolvers<void>();
    await using server = await openServer(url, { build: () => building.promise });
    await using other = await openServer(url);
    const [before, after] = [newId(), newId()];
    await register(other, before, { eager: true });
    server.service.start();
    await until(() => server.service.stateOf(before) === "building");
    await register(other, after, { eager: true });
    await until(() => server.service.stateOf(after) === "building");
    building.resolve();
    await until(() => server.service.stateOf(before) === "built" && server.service.stateOf(after) === "built");
    for (const id of [before, after]) await other.table.unregister(id, BY);
  });

  test("of 100 000 lazy tenants a start reads none", async () => {
    const own = await createTestDatabase();
    try {
      const client = new pg.Client({ connectionString: own.url });
      await client.connect();
      await client.query("insert into holdfast.tenant (id) select 'many-' || i from generate_series(1, 100000) i");
      await client.end();
      await using server = await openServer(own.url);
      server.service.start();
      await until(() => questionsOf(server).length > 0);
      expect((await tenantOf(server, "many-77777"))?.id).toBe("many-77777");
      expect(questionsOf(server)).toEqual(["eager-tenant-ids", "read-tenants"]);
      expect(server.service.status()).toMatchObject({ registered: 1, built: 1, healths: { healthy: 1 } });
    } finally {
      await own.drop();
    }
  });

  test("after the close nothing is served, and every runtime is disposed of", async () => {
    await using server = await openServer(url);
    const entered = await enter(server, "default");
    server.service.close();
    expect(server.disposed).toEqual([entered?.runtime]);
    await expect(enter(server, "default")).rejects.toMatchObject({ code: "DRAINING" });
  });
});
