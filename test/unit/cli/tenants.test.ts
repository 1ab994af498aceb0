import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { runCommand } from "../../../src/cli/commands.ts";
import { systemClock } from "../../../src/clock.ts";
import type { Verdict } from "../../../src/domain/registration.ts";
import { formatAddress } from "../../../src/server/config/kinds.ts";
import { type Listening, serveGrpc } from "../../../src/server/grpc.ts";
import { ROOM } from "../../../src/server/limits.ts";
import { createRoom } from "../../../src/server/room.ts";
import { silentLog } from "../../../src/telemetry/log.ts";
import { admin, type Stand, stand } from "../rpc/admin-tenants-stand.ts";

let own: Stand;
let server: Listening;
let keys: (string | undefined)[];

beforeAll(async () => {
  // One listener for the file; what is behind it is new for each test.
  const endpoints = stand().endpoints.map((endpoint) => ({
    ...endpoint,
    call(request: never, context: { metadata(name: string): string | undefined }) {
      keys.push(context.metadata("authorization"));
      const fresh = own.endpoints.find(({ method }) => method.name === endpoint.method.name);
      return fresh?.call(request, context as never);
    },
  }));
  server = await serveGrpc(
    { host: "127.0.0.1", port: 0 },
    {
      ...{ endpoints: endpoints as never, clock: systemClock, log: silentLog, room: createRoom(ROOM) },
      ...{ maxConnectionAgeMs: 60_000, maxConcurrentStreams: 100, tls: null },
    },
  );
});

afterAll(() => server.destroy());

beforeEach(() => {
  own = stand({ clock: systemClock });
  keys = [];
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs `holdfast tenants …` against the server. */
async function run(...args: readonly string[]): Promise<Ran> {
  let [out, error] = ["", ""];
  const io = {
    out: (text: string) => {
      out += text;
    },
    error: (text: string) => {
      error += text;
    },
    terminal: false,
    env: { HOLDFAST_SERVER: formatAddress(server.address) },
  };
  return { code: await runCommand(["tenants", ...args], io), out, error };
}

/** The same, which must succeed, as JSON. */
async function json(...args: readonly string[]) {
  const { code, out, error } = await run(...args, "--output", "json");
  if (code !== 0) throw new Error(error);
  return JSON.parse(out);
}

describe("registering", () => {
  test("takes everything of a registration from flags", async () => {
    const { code, out } = await run(
      ...["register", "acme", "--display-name", "Acme", "--host", "acme.example", "--host=https://shop.example/eu/"],
      ...["--issuer", "https://idp.example subject=s audience=a jwks=https://idp.example/jwks"],
      ...["--agent-url", "https://agent.example", "--validator-http", "https://acme.example/holdfast"],
      ...["--build", "eager", "--limit-new-records-per-second", "1.5", "--limit-new-records-burst", "2"],
      ...["--limit-live-records", "3", "--limit-stored-bytes", "4", "--limit-leases", "5", "--limit-waiters", "6"],
      ...["--policy-on-lease-expiry", "hold", "--policy-max-attempts", "7", "--policy-max-execution", "8s"],
      ...["--policy-result-retention", "15m", "--policy-tombstone-retention", "2d", "--placement", "eu"],
      ...["--serve-states", "healthy,unverified,pending", "--no-encrypted", "--reason", "ticket 7"],
      "--await-first-validation",
    );
    expect({ code, out }).toEqual({
      code: 0,
      out:
        "ID    HEALTH   ADMISSION  DRAINING  PLACEMENT  RUNTIME  GENERATION  HOSTS\n" +
        "acme  healthy  admit      no        eu         built    1           acme.example shop.example/eu\n",
    });
    expect((await own.table.read("acme", 0))?.registration).toEqual({
      id: "acme",
      displayName: "Acme",
      hosts: [
        { host: "acme.example", path: "" },
        { host: "shop.example", path: "/eu" },
      ],
      issuers: [{ issuer: "https://idp.example", subject: "s", audience: "a", jwksUrl: "https://idp.example/jwks" }],
      agentUrl: "https://agent.example",
      validator: { kind: "http", url: "https://acme.example/holdfast" },
      eager: true,
      limits: { newRecordsPerSecond: 1.5, newRecordsBurst: 2, liveRecords: 3n, storedBytes: 4n, leases: 5, waiters: 6 },
      policy: {
        ...{ hold: true, maxAttempts: 7, maxExecutionMs: 8000 },
        ...{ resultRetentionMs: 900_000, tombstoneRetentionMs: 172_800_000 },
      },
      placement: "eu",
      serveStates: ["pending", "healthy", "unverified"],
      encrypted: false,
    });
    expect(own.table.changes[0]).toMatchObject({ action: "register", reason: "ticket 7" });
  });

  test.each([
    ["with the id in it", [], "tenantId: acme\n"],
    ["with the id beside it", ["acme"], ""],
    ["with both", ["acme"], "tenant_id: acme\n"],
  ])("takes a file, %s", async (_, words, line) => {
    using file = fileWith(`${line}displayName: Acme\nlimits: { leases: 5 }\n`);
    const tenant = await json("register", ...words, "--file", file.path);
    expect(tenant.registration).toMatchObject({ tenantId: "acme", displayName: "Acme", limits: { leases: 5 } });
  });

  test("refuses a file about another tenant, and one that is wrong, with everything that is", async () => {
    using file = fileWith("tenantId: other\nhostz: []\nlimits: { leases: x }\n");
    expect(await run("register", "acme", "--file", file.path)).toMatchObject({
      code: 2,
      error: `holdfast: ${file.path} is about another tenant than acme\n`,
    });
    expect(await run("register", "--file", file.path)).toMatchObject({
      code: 2,
      error:
        `holdfast: ${file.path}: hostz is no field of TenantRegistration\n` +
        `holdfast: ${file.path}: limits.leases must be a whole number, 0 or more and not too large\n`,
    });
    expect(own.table.changes).toEqual([]);
  });

  test("says what to do when the tenant is there already", async () => {
    await run("register", "acme");
    expect(await run("register", "acme", "--display-name", "x")).toEqual({
      code: 5,
      out: "",
      error:
        "holdfast: a tenant of this id is registered already (TENANT_EXISTS); " +
        '"holdfast tenants update acme" changes it\n',
    });
  });

  test("tells what the server refuses, and why", async () => {
    const { code, error } = await run("register", "acme", "--placement", "us");
    expect({ code, error }).toEqual({
      code: 2,
      error: "holdfast: registration.placement must be empty or one of main, eu (FIELD_INVALID)\n",
    });
  });
});

describe("updating", () => {
  test("changes what is given and keeps the rest", async () => {
    const flags = ["--host", "a.example", "--limit-leases", "5", "--policy-max-attempts", "3", "--placement", "eu"];
    const before = await json("register", "acme", ...flags);
    const { registration, generation } = await json("update", "acme", "--display-name", "New", "--limit-waiters", "6");
    expect(registration).toEqual({
      ...before.registration,
      displayName: "New",
      limits: { ...before.registration.limits, waiters: 6 },
    });
    expect(generation).toBe("2");
  });

  test("takes parts away", async () => {
    const flags = ["--host", "a.example", "--issuer", "i", "--validator-jwks", "https://a.example/jwks"];
    await json("register", "acme", ...flags);
    await run("update", "acme", "--no-host", "--no-issuer", "--no-validator");
    expect((await own.table.read("acme", 0))?.registration).toMatchObject({
      hosts: [],
      issuers: [],
      validator: { kind: "none" },
    });
  });

  test("with a file replaces the whole registration", async () => {
    await run("register", "acme", "--host", "a.example");
    using file = fileWith("displayName: New\n");
    expect((await json("update", "acme", "--file", file.path)).registration).toMatchObject({
      displayName: "New",
      hosts: [],
    });
  });

  test("writes nothing over what somebody else has changed meanwhile", async () => {
    await run("register", "acme");
    const { read } = own.table;
    let reads = 0;
    Object.assign(own.table, {
      async read(id: string, deadline: number) {
        const stored = await read(id, deadline);
        // The second reading is that of the update.
        if (++reads !== 2 || stored === null) return stored;
        const registration = { ...stored.registration, displayName: "theirs" };
        return own.table.update(registration, "healthy", null, { actor: "other", reason: "" });
      },
    });
    expect(await run("update", "acme", "--limit-leases", "5")).toMatchObject({
      code: 5,
      error: expect.stringContaining("(TENANT_CHANGED); somebody else has changed it meanwhile"),
    });
    expect((await read("acme", 0))?.registration).toMatchObject({ displayName: "theirs", limits: { leases: 0 } });
  });

  test("tells that a validator does not agree, and when to try again", async () => {
    await run("register", "acme");
    const flag = ["--validator-http", "https://acme.example/"];
    own.answer(async () => ({ kind: "refused", reason: "the address answered 404" }));
    expect((await run("update", "acme", ...flag)).error).toBe(
      "holdfast: the validator refuses the registration: the address answered 404 (VALIDATION_REFUSED)\n",
    );
    own.answer(async () => ({ kind: "uncertain", reason: "the connection failed" }));
    expect((await run("update", "acme", ...flag)).error).toMatch(/\(VALIDATION_UNCERTAIN\); try again in \d+ s\n$/);
  });
});

describe("looking", () => {
  test("lists all tenants over as many pages as there are", async () => {
    for (let i = 0; i < 1001; i++) {
      const registration = { tenantId: `t${1000 + i}` };
      await own.call(admin.registerTenant, { registration });
    }
    const { out } = await run("list");
    expect(out.split("\n")).toHaveLength(1003);
    expect((await json("list")).tenants).toHaveLength(1001);
  });

  test("shows everything of one tenant, and nothing that would steer the terminal", async () => {
    await run("register", "acme", "--display-name", "\u001b[31mAcme", "--host", "a.example/x", "--limit-leases", "5");
    const { code, out } = await run("get", "acme");
    expect(code).toBe(0);
    expect(out).toMatch(/^FIELD +VALUE$/m);
    expect(out).toMatch(/^displayName +\ufffd\[31mAcme$/m);
    expect(out).toMatch(/^hosts\[0\] +host=a\.example path=\/x$/m);
    expect(out).toMatch(/^limits\.leases +5$/m);
    expect(await json("get", "acme")).toMatchObject({ draining: false, registration: { encrypted: false } });
  });

  test("shows words as flags take them, and to scripts those of the proto", async () => {
    await run("register", "acme", "--policy-on-lease-expiry", "hold", "--display-name", "TENANT_HEALTH_HEALTHY");
    const { out } = await run("get", "acme");
    for (const [field, value] of [
      ["health", "healthy"],
      ["admission", "admit"],
      ["runtime", "cold"],
      ["build", "lazy"],
      ["serveStates[0]", "healthy"],
      ["defaultPolicy.onLeaseExpiry", "hold"],
      ["displayName", "TENANT_HEALTH_HEALTHY"],
    ]) {
      expect(out).toMatch(new RegExp(`^${RegExp.escape(field as string)} +${value}$`, "m"));
    }
    expect(await json("get", "acme")).toMatchObject({
      health: "TENANT_HEALTH_HEALTHY",
      registration: { build: "TENANT_BUILD_LAZY", defaultPolicy: { onLeaseExpiry: "LEASE_EXPIRY_POLICY_HOLD" } },
    });
  });

  test.each(["get", "recheck", "drain", "resume", "unregister"])(
    "%s says when there is no such tenant, and how to find those that there are",
    async (name) => {
      expect(await run(name, "nobody")).toEqual({
        ...{ code: 4, out: "" },
        error:
          "holdfast: there is no such tenant, or this caller may not see it (TENANT_FORBIDDEN); " +
          '"holdfast tenants list" shows those that there are\n',
      });
    },
  );
});

describe("a recheck", () => {
  const validated = ["--validator-http", "https://acme.example/holdfast"];

  test("that finds the tenant healthy succeeds", async () => {
    await run("register", "acme", ...validated);
    expect(await run("recheck", "acme")).toMatchObject({ code: 0, error: "" });
  });

  const refused: Verdict = { kind: "refused", reason: "the address answered \u001b[31m404" };
  const uncertain: Verdict = { kind: "uncertain", reason: "the connection failed" };

  test.each<[string, Verdict, Verdict, RegExp]>([
    ["disabled", refused, refused, /^holdfast: .* acme is disabled: the address answered \ufffd\[31m404\n$/],
    ["pending", uncertain, uncertain, /^holdfast: .* acme is pending: the connection failed\n$/],
    ["unverified", { kind: "accepted" }, refused, /^holdfast: .* acme is unverified: the address answered/],
  ])("that leaves it %s fails, shows how it is, and says why", async (health, first, then, expected) => {
    own.answer(async () => first);
    await run("register", "acme", ...validated, "--await-first-validation");
    own.answer(async () => then);
    const { code, out, error } = await run("recheck", "acme");
    expect(code).toBe(1);
    expect(error).toMatch(expected);
    expect(out).toMatch(new RegExp(`^acme +${health} `, "m"));
    const told = await run("recheck", "acme", "--output", "json");
    expect(told.code).toBe(1);
    expect(JSON.parse(told.out).health).toMatch(/^TENANT_HEALTH_/);
  });
});

test("drains, resumes, rechecks and unregisters", async () => {
  await run("register", "acme");
  expect(await json("drain", "acme", "--reason", "move")).toMatchObject({
    draining: true,
    admission: "ADMISSION_REFUSE",
  });
  expect(await json("resume", "acme")).toMatchObject({ draining: false, admission: "ADMISSION_ADMIT" });
  expect(await json("recheck", "acme")).toMatchObject({ runtime: "TENANT_RUNTIME_BUILT" });
  expect(await json("unregister", "acme", "--reason", "left")).toEqual({});
  await run("register", "acme");
  expect((await run("unregister", "acme")).out).toMatch(/^Unregistered acme\. Its records stay/);
  expect(own.table.changes.map(({ action, reason }) => `${action} ${reason}`.trim())).toEqual([
    ...["register", "drain move", "resume", "unregister left", "register", "unregister"],
  ]);
});

describe("the key", () => {
  test("goes along when there is one", async () => {
    await run("list");
    await run("list", "--api-key", "k_1.secret");
    expect(keys).toEqual([undefined, "Bearer k_1.secret"]);
  });

  test("is asked for when the server wants one, and is never repeated", async () => {
    own.refuse("CREDENTIALS_INVALID");
    const { code, error } = await run("list", "--api-key", "k_1.secret");
    expect(code).toBe(6);
    expect(error).toMatch(/\(CREDENTIALS_INVALID\); give an API key with --api-key or HOLDFAST_API_KEY\n$/);
    expect(error).not.toContain("secret");
  });
});

describe("a server that cannot be reached", () => {
  test("is named, with how to name another one", async () => {
    const { code, error } = await run("list", "--server", "127.0.0.1:1");
    expect(code).toBe(3);
    expect(error).toBe(
      "holdfast: no answer from 127.0.0.1:1: nothing listens there; " +
        "another server is named with --server or HOLDFAST_SERVER\n",
    );
  });

  test("because it does not speak TLS is suspected of that", async () => {
    const { code, error } = await run("list", "--tls");
    expect(code).toBe(3);
    expect(error).toContain(formatAddress(server.address));
    expect(error).toContain("TLS");
  });

  test("and authorities that cannot be read are told before it is tried", async () => {
    using file = fileWith("no certificate");
    expect(await run("list", "--tls-ca", "/does/not/exist")).toMatchObject({
      code: 1,
      error: "holdfast: --tls-ca cannot be read (ENOENT): /does/not/exist\n",
    });
    expect(await run("list", "--tls-ca", file.path)).toMatchObject({
      code: 1,
      error: "holdfast: --tls-ca must hold certificates in PEM\n",
    });
  });
});

describe("what is not understood ends with 2, and nothing is sent", () => {
  test.each<[string, readonly string[], RegExp]>([
    ["no command", [], /^Usage: holdfast tenants COMMAND/],
    ["an unknown command", ["lst"], /unknown command "holdfast tenants lst": did you mean "list"\?/],
    [
      "a command like no other",
      ["frobnicate"],
      /unknown command "holdfast tenants frobnicate": there are list, get, register, /,
    ],
    ["what other programs call it", ["show", "a"], /unknown command "holdfast tenants show": did you mean "get"\?/],
    ["no id", ["get"], /"holdfast tenants get" needs the id of a tenant\n/],
    ["no id and no file", ["register"], /"holdfast tenants register" needs the id of a tenant, or --file\n/],
    ["two ids", ["get", "a", "b"], /"holdfast tenants get" does not take "b"/],
    ["an id where none is taken", ["list", "a"], /"holdfast tenants list" does not take "a"/],
    ["an unknown flag", ["list", "--outptu", "json"], /unknown flag "--outptu" .*did you mean --output\?/],
    ["a flag of another command", ["drain", "a", "--host", "x"], /unknown flag "--host"/],
    ["a flag without value", ["register", "a", "--host"], /--host needs a value: HOST/],
    ["a value that is not taken", ["register", "a", "--encrypted=yes"], /--encrypted takes no value/],
    ["a flag twice", ["drain", "a", "--reason", "x", "--reason", "y"], /--reason must be given once/],
    ["a file and flags", ["register", "--file", "f", "--host", "x"], /--file is the whole registration/],
    ["nothing to change", ["update", "a"], /needs something to change/],
    ["no number", ["register", "a", "--limit-leases", "x"], /--limit-leases must be a whole number from 0\n/],
    ["a broken number", ["register", "a", "--limit-leases", "1.5"], /--limit-leases must be a whole number from 0\n/],
    [
      "a number that is too large",
      ["register", "a", "--limit-leases", "4294967296"],
      /limits\.leases .* not too large/,
    ],
    [
      "no rate",
      ["register", "a", "--limit-new-records-per-second", "-1"],
      /--limit-new-records-per-second must be a number from 0, such as 100 or 0\.5\n/,
    ],
    [
      "no time",
      ["register", "a", "--policy-max-execution", "8"],
      /--policy-max-execution must be a time such as 30s, 15m, 24h or 7d, or 0\n/,
    ],
    [
      "no health",
      ["register", "a", "--serve-states", "well"],
      /--serve-states must be one or several of pending, healthy, unverified, disabled, with commas between\n/,
    ],
    ["no build", ["register", "a", "--build", "now"], /--build must be lazy or eager\n/],
    [
      "no policy",
      ["register", "a", "--policy-on-lease-expiry", "x"],
      /--policy-on-lease-expiry must be reacquire or hold\n/,
    ],
    ["an issuer with unknown parts", ["register", "a", "--issuer", "i x=y"], /--issuer must be .*jwks=URL/],
    [
      "an issuer with a part twice",
      ["register", "a", "--issuer", "i subject=y subject=z"],
      /--issuer must be .*jwks=URL/,
    ],
    ["two validators", ["update", "a", "--validator-http", "u", "--no-validator"], /contradict each other/],
    ["to take away what a new tenant has not", ["register", "a", "--no-host"], /unknown flag "--no-host"/],
    ["both encryptions", ["register", "a", "--encrypted", "--no-encrypted"], /contradict each other/],
    ["an id that cannot be one", ["register", "A"], /tenantId does not match/],
    ["a wrong setting", ["list", "--timeout", "x"], /--timeout must be/],
    ["a file that is not there", ["register", "--file", "/does/not/exist"], /there is no such file/],
  ])("%s", async (_, args, expected) => {
    const { code, error, out } = await run(...args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(error).toMatch(expected);
    expect(own.table.changes).toEqual([]);
  });

  test("and all of it is told at once", async () => {
    const { error } = await run("register", "a", "b", "--hots", "x", "--limit-leases", "y", "--build", "z");
    expect(error.trim().split("\n").length).toBeGreaterThanOrEqual(4);
  });
});

test.each(["list", "get", "register", "update", "unregister", "recheck", "drain", "resume"])(
  "%s explains itself",
  async (name) => {
    const { code, out } = await run(name, "--help");
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^Usage: holdfast tenants ${name}`));
    expect(out).toContain("HOLDFAST_SERVER");
    expect((await run("--help")).out).toContain(`  ${name} `);
  },
);

test("what the help of a new tenant says is true of one: it has nothing yet", async () => {
  const [register, update] = [(await run("register", "--help")).out, (await run("update", "--help")).out];
  for (const words of ["--no-host", "--no-issuer", "--no-validator", "replaces all that there are"]) {
    expect(register).not.toContain(words);
    expect(update).toContain(words);
  }
});

function fileWith(text: string): Disposable & { readonly path: string } {
  const folder = mkdtempDisposableSync(join(tmpdir(), "holdfast-tenants-"));
  const path = join(folder.path, "tenant.yaml");
  writeFileSync(path, text);
  return { path, [Symbol.dispose]: () => folder.remove() };
}
