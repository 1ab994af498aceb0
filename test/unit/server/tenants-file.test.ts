import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import type { TenantRegistration, Verdict } from "../../../src/domain/registration.ts";
import type { DeclarationTerms } from "../../../src/operations/admin/tenants/declaration.ts";
import { OperatorError } from "../../../src/server/operator-error.ts";
import { applyTenantsFile, checkTenantsFile } from "../../../src/server/tenants-file.ts";
import { silentLog } from "../../../src/telemetry/log.ts";
import type { TenantTable } from "../../../src/tenants/table.ts";
import { NOW } from "../../support/records.ts";
import { createMemoryTenantTable } from "../../support/tenant-table.ts";

const TERMS: DeclarationTerms = {
  placements: ["main", "eu"],
  hasMasterKey: false,
  reach: { loopback: false, private: false, ports: [] },
};

interface Options {
  readonly terms?: Partial<DeclarationTerms>;
  readonly verdict?: Verdict;
  /** Stands between the file and the table. */
  readonly through?: (table: TenantTable) => TenantTable;
}

/** A server's table, and its start with a file. */
function server(table = createMemoryTenantTable(() => NOW)) {
  const lines: string[] = [];
  const asked: TenantRegistration[] = [];
  const note = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const apply = async (file: string | Uint8Array, { terms, verdict, through = (same) => same }: Options = {}) => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "holdfast-tenants-"));
    const path = join(folder.path, "tenants.yaml");
    writeFileSync(path, file);
    return await applyTenantsFile(path, {
      table: through(table),
      terms: { ...TERMS, ...terms },
      validate: async (registration) => {
        asked.push(registration);
        return verdict ?? { kind: "accepted" };
      },
      log: { ...silentLog, info: note, warn: note },
    });
  };
  /** The problems that a start with this file ends with, one in a line. */
  const problems = async (file: string | Uint8Array, options: Options = {}) => {
    const thrown: unknown = await apply(file, options).catch((error: unknown) => error);
    if (!(thrown instanceof OperatorError)) throw new Error("expected an OperatorError", { cause: thrown });
    const [head, ...told] = thrown.message.split("\n");
    expect(head).toMatch(/^the tenants file .*tenants\.yaml \(--tenants-file\) cannot be used:$/);
    return told.map((line) => line.trim());
  };
  return { table, lines, asked, apply, problems };
}

const FILE = `
# Everything that can be said.
tenants:
  - tenantId: acme
    displayName: Acme
    hosts:
      - host: Acme.example
      - { host: shop.example, path: /eu/ }
    issuers:
      - { issuer: "https://idp.example", subject: s, audience: a, jwksUrl: "https://idp.example/jwks" }
    agentUrl: https://agent.example
    validator: { httpUrl: "https://acme.example/holdfast" }
    build: TENANT_BUILD_EAGER
    limits: { newRecordsPerSecond: 1.5, newRecordsBurst: 2, liveRecords: "3", storedBytes: 4, leases: 5, waiters: 6 }
    defaultPolicy:
      onLeaseExpiry: LEASE_EXPIRY_POLICY_HOLD
      maxAttempts: 7
      maxExecution: 8s
      resultRetention: 86400s
      tombstoneRetention: 0s
    placement: eu
    serveStates: [TENANT_HEALTH_HEALTHY]
    encrypted: false
  - tenant_id: other
`;

describe("a tenants file", () => {
  test("registers what is new, in all of its parts", async () => {
    const { table, apply, lines } = server();
    expect(await apply(FILE)).toEqual({ registered: 2, updated: 0, unchanged: 0, left: 0 });
    expect(await table.read("acme", 0)).toMatchObject({
      registration: {
        displayName: "Acme",
        hosts: [
          { host: "acme.example", path: "" },
          { host: "shop.example", path: "/eu" },
        ],
        issuers: [{ issuer: "https://idp.example", subject: "s", audience: "a", jwksUrl: "https://idp.example/jwks" }],
        agentUrl: "https://agent.example",
        validator: { kind: "http", url: "https://acme.example/holdfast" },
        eager: true,
        limits: {
          newRecordsPerSecond: 1.5,
          newRecordsBurst: 2,
          liveRecords: 3n,
          storedBytes: 4n,
          leases: 5,
          waiters: 6,
        },
        policy: {
          ...{ hold: true, maxAttempts: 7, maxExecutionMs: 8000 },
          ...{ resultRetentionMs: 86_400_000, tombstoneRetentionMs: 0 },
        },
        ...{ placement: "eu", serveStates: ["healthy"], encrypted: false },
      },
      health: { health: "pending" },
    });
    expect(await table.read("other", 0)).toMatchObject({ health: { health: "healthy" } });
    expect(table.changes).toEqual([
      { action: "register", id: "acme", actor: "server", reason: "tenants file" },
      { action: "register", id: "other", actor: "server", reason: "tenants file" },
    ]);
    expect(lines).toEqual([
      'registered a tenant {"tenant":"acme"}',
      'registered a tenant {"tenant":"other"}',
      expect.stringMatching(/^applied the tenants file .*"registered":2,"updated":0,"unchanged":0,"left":0/),
    ]);
  });

  test("changes nothing the second time", async () => {
    const { table, apply, asked } = server();
    await apply(FILE);
    expect(await apply(FILE)).toEqual({ registered: 0, updated: 0, unchanged: 2, left: 0 });
    expect(table.changes).toHaveLength(2);
    expect(asked).toEqual([]);
  });

  test("updates what differs, and leaves alone what it does not name", async () => {
    const { table, apply } = server();
    await apply(FILE);
    expect(await apply("tenants: [{ tenantId: other, displayName: New }]")).toMatchObject({ updated: 1, unchanged: 0 });
    expect((await table.read("other", 0))?.registration.displayName).toBe("New");
    expect((await table.read("acme", 0))?.generation).toBe(1n);
  });

  test("may be JSON, empty, and use aliases", async () => {
    const { table, apply } = server();
    expect(await apply('{"tenants": [{"tenantId": "a"}]}')).toMatchObject({ registered: 1 });
    for (const empty of ["tenants: []", "tenants:"]) expect(await apply(empty)).toMatchObject({ registered: 0 });
    await apply("tenants:\n  - { tenantId: b, limits: &few { leases: 9 } }\n  - { tenantId: c, limits: *few }\n");
    expect((await table.read("c", 0))?.registration.limits.leases).toBe(9);
  });

  test("leaves placement and encryption of a tenant as they are where it does not say", async () => {
    const { table, apply, problems } = server();
    await apply("tenants: [{ tenantId: a, placement: eu }]");
    expect(await apply("tenants: [{ tenantId: a }]", { terms: { hasMasterKey: true } })).toMatchObject({
      unchanged: 1,
    });
    expect((await table.read("a", 0))?.registration).toMatchObject({ placement: "eu", encrypted: false });
    expect(await problems("tenants: [{ tenantId: a, placement: main, encrypted: true }]")).toEqual([
      "tenants[0].placement is fixed, and must be empty or as registered",
      "tenants[0].encrypted is fixed, and must be unset or as registered",
    ]);
  });

  test("can move a host from one tenant to another", async () => {
    const { table, apply } = server();
    await apply("tenants: [{ tenantId: b, hosts: [{ host: h.example }] }]");
    await apply("tenants: [{ tenantId: a, hosts: [{ host: h.example }] }, { tenantId: b }]");
    expect(await table.find({ kind: "host", host: "h.example", path: "" }, 0)).toMatchObject({ id: "a" });
  });

  test("takes no host from a tenant that it does not name", async () => {
    const { table, apply, problems } = server();
    await apply("tenants: [{ tenantId: b, hosts: [{ host: h.example }] }]");
    expect(await problems("tenants: [{ tenantId: a, hosts: [{ host: h.example }] }, { tenantId: c }]")).toEqual([
      "tenants[0]: the host h.example belongs to another tenant",
    ]);
    expect(await table.read("a", 0)).toBeNull();
  });
});

describe("a validator that the file changes", () => {
  const before = "tenants: [{ tenantId: a }]";
  const after = 'tenants: [{ tenantId: a, validator: { jwksUrl: "https://a.example/jwks" } }]';

  test("is asked first, and the tenant stays healthy when it accepts", async () => {
    const { table, apply, asked } = server();
    await apply(before);
    expect(await apply(after)).toMatchObject({ updated: 1 });
    expect((await table.read("a", 0))?.health.health).toBe("healthy");
    expect(asked).toHaveLength(1);
  });

  test.each<Verdict>([
    { kind: "refused", reason: "no" },
    { kind: "uncertain", reason: "late" },
  ])("leaves the tenant as it was when it says %j, and the server starts", async (verdict) => {
    const { table, apply, lines } = server();
    await apply(before);
    expect(await apply(after, { verdict })).toEqual({ registered: 0, updated: 0, unchanged: 0, left: 1 });
    expect(await table.read("a", 0)).toMatchObject({ generation: 1n, registration: { validator: { kind: "none" } } });
    expect(lines).toContainEqual(expect.stringContaining("left a tenant as it was"));
  });
});

describe("several servers that start at once", () => {
  test("with the same file register each tenant once", async () => {
    const { table, apply } = server();
    const counts = await Promise.all([apply(FILE), apply(FILE), apply(FILE)]);
    expect(counts.map(({ registered, unchanged }) => registered + unchanged)).toEqual([2, 2, 2]);
    expect(table.changes).toHaveLength(2);
  });

  test("agree when one registers between another's look and its register", async () => {
    const { table, apply } = server();
    let first = true;
    const through = (real: TenantTable): TenantTable => ({
      ...real,
      async register(registration, health, change) {
        if (first) {
          first = false;
          await real.register({ ...registration, displayName: "older" }, health, change);
        }
        return real.register(registration, health, change);
      },
    });
    expect(await apply("tenants: [{ tenantId: a, displayName: newer }]", { through })).toMatchObject({ updated: 1 });
    expect((await table.read("a", 0))?.registration.displayName).toBe("newer");
  });

  test("agree when one updates, or unregisters, between another's look and its update", async () => {
    const { table, apply } = server();
    await apply("tenants: [{ tenantId: a }, { tenantId: b }]");
    const faster = new Set(["a", "b"]);
    const change = { actor: "test", reason: "" };
    const through = (real: TenantTable): TenantTable => ({
      ...real,
      async update(registration, health, generation, by) {
        if (faster.delete(registration.id)) {
          if (registration.id === "a") await real.update({ ...registration, displayName: "x" }, health, null, change);
          else await real.unregister("b", change);
        }
        return real.update(registration, health, generation, by);
      },
    });
    const file = "tenants: [{ tenantId: a, displayName: New }, { tenantId: b, displayName: New }]";
    expect(await apply(file, { through })).toMatchObject({ updated: 1, registered: 1 });
    for (const id of ["a", "b"]) expect((await table.read(id, 0))?.registration.displayName).toBe("New");
  });

  test("give up on a tenant that changes under them again and again", async () => {
    const { apply } = server();
    await apply("tenants: [{ tenantId: a }]");
    const through = (real: TenantTable): TenantTable => ({
      ...real,
      update: () => Promise.reject(new Fault("TENANT_CHANGED", "the tenant has another generation")),
    });
    const updating = apply("tenants: [{ tenantId: a, displayName: x }]", { through });
    await expect(updating).rejects.toMatchObject({ code: "TENANT_CHANGED" });
  });
});

describe("everything that is wrong is told at once, and nothing is written", () => {
  test("with where it is and what is allowed", async () => {
    const { table, problems } = server();
    const file = `
tenants:
  - { tenantId: fine }
  - { tenantId: ACME, hostz: [], displayName: 7 }
  - tenantId: b
    hosts: [{ host: "" }, { host: _ }, { host: ok.example, path: x }]
    placement: us
    encrypted: true
    validator: { httpUrl: "http://b.example" }
    limits: { newRecordsPerSecond: .nan, leases: 1.5 }
    defaultPolicy: { maxExecution: 1d, resultRetention: 1s }
    serveStates: [healthy]
  - text
  - { tenantId: c, defaultPolicy: { resultRetention: 1s }, validator: { httpUrl: a, jwksUrl: b } }
  - { tenantId: d, hosts: [{ host: _ }, { host: ok.example, path: x }], placement: us, encrypted: true, limits: { newRecordsPerSecond: -1 } }
`;
    expect(await problems(file)).toEqual([
      "tenants[1].hostz is no field of TenantRegistration",
      "tenants[1].displayName must be a text; a number or the like in quotes",
      "tenants[2].limits.newRecordsPerSecond must be a number",
      "tenants[2].limits.leases must be a whole number, 0 or more and not too large",
      'tenants[2].defaultPolicy.maxExecution must be a number of seconds as text, such as "86400s"',
      "tenants[2].serveStates must be a list of TENANT_HEALTH_PENDING, TENANT_HEALTH_HEALTHY, TENANT_HEALTH_UNVERIFIED, TENANT_HEALTH_DISABLED",
      "tenants[3] must be fields of TenantRegistration",
      "tenants[4].validator must have one of httpUrl, jwksUrl, and no two",
      "tenants[5].hosts[0].host must be a host name or an address",
      'tenants[5].hosts[1].path must begin with "/", or be empty',
      "tenants[5].limits.newRecordsPerSecond must be 0, or from 0.001 to 1000000",
      "tenants[5].placement must be empty or one of main, eu",
      "tenants[5].encrypted must be unset or false: this server has no master key",
    ]);
    expect(table.changes).toEqual([]);
  });

  test("what the proto forbids, in the file's own spelling", async () => {
    const file =
      "tenants: [{ tenantId: A, defaultPolicy: { resultRetention: 1s, maxAttempts: 1001 }, hosts: [{ host: '' }] }]";
    expect(await server().problems(file)).toEqual([
      expect.stringMatching(/^tenants\[0\]\.tenantId does not match/),
      "tenants[0].hosts[0].host must not be empty",
      "tenants[0].defaultPolicy.maxAttempts must be less than or equal to 1000",
      "tenants[0].defaultPolicy.resultRetention must be from 60s to 7776000s",
    ]);
  });

  test("what two tenants of the file both want, in any spelling", async () => {
    const file = `
tenants:
  - { tenantId: a, hosts: [{ host: h.example, path: /x }], issuers: [{ issuer: i }] }
  - { tenantId: a }
  - { tenantId: b, hosts: [{ host: "https://H.example:443", path: /x/ }], issuers: [{ issuer: i }] }
`;
    expect(await server().problems(file)).toEqual([
      "tenants[1].tenantId must not be there twice: tenants[0] has the same",
      "tenants[2].hosts[0] must not be there twice: tenants[0] has the same",
      "tenants[2].issuers[0] must not be there twice: tenants[0] has the same",
    ]);
  });

  test.each<[string, string | Uint8Array, RegExp]>([
    ["broken YAML, with its place", "tenants:\n  - { tenantId: a\n", /^line 3, column 1: /],
    ["a key twice", "tenants:\n  - tenantId: a\n    tenantId: b\n", /^line 3, column 5: Map keys must be unique/],
    ["two documents", "tenants: []\n---\ntenants: []\n", /multiple documents/],
    ["a tag that means nothing", "tenants: [!x { tenantId: a }]", /^line 1, column 11: Unresolved tag/],
    ["no text", new Uint8Array([0xff, 0xfe, 0x00]), /^it is not UTF-8$/],
    ["no list", "tenants: { a: 1 }", /^it must hold a list under the name tenants$/],
    ["another list", "tenant: []", /^it must hold a list under the name tenants$/],
    ["an empty file", "", /^it must hold a list under the name tenants$/],
    ["other names beside the list", "tenants: []\nplacements: []", /^placements is no field of the file$/],
    ["too many tenants", `tenants: [${"{},".repeat(10_001)}]`, /^it holds more than 10000 tenants$/],
    ["too many bytes", `# ${"x".repeat(4 * 1024 * 1024)}`, /^it is larger than 4 MiB$/],
    ["an alias that leads to itself", "tenants: &a [*a]", /./],
    ["an alias to nowhere", "tenants: [*a]", /[Uu]nresolved alias/],
    ["a nesting without end", `tenants: ${"[".repeat(200_000)}`, /./],
    [
      "names of object properties",
      "tenants: [{ tenantId: a, __proto__: { x: 1 } }]",
      /^tenants\[0\]\.__proto__ is no field/,
    ],
  ])("%s", async (_, file, expected) => {
    const { table, problems } = server();
    expect((await problems(file))[0]).toMatch(expected);
    expect(table.changes).toEqual([]);
  });

  test("aliases of aliases, which would fill the memory", async () => {
    const levels = Array.from({ length: 12 }, (_, i) => `x${i + 1}: &x${i + 1} [${`*x${i},`.repeat(9)}]`);
    const file = `x0: &x0 [a]\n${levels.join("\n")}\ntenants: *x12\n`;
    expect((await server().problems(file))[0]).toMatch(/alias/i);
  });

  test("one long list that many aliases repeat", async () => {
    const file = `x: &x [${"a,".repeat(2000)}]\ntenants: [${"{ serveStates: *x },".repeat(2000)}]\n`;
    expect(await server().problems(file)).toEqual(["its aliases lead to too many values"]);
  });

  test("at most a hundred of them", async () => {
    const wrong = Array.from({ length: 150 }, (_, i) => `{ tenantId: A${i} }`);
    const told = await server().problems(`tenants: [${wrong.join()}]`);
    expect(told).toHaveLength(101);
    expect(told.at(-1)).toBe("and 50 more");
  });
});

test.each([
  ["/does/not/exist.yaml", "there is no such file"],
  [tmpdir(), "it is a directory"],
])("a file that cannot be read is told: %s", async (path, reason) => {
  const table = createMemoryTenantTable(() => NOW);
  const deps = { table, terms: TERMS, validate: async () => ({ kind: "accepted" }) as const, log: silentLog };
  await expect(applyTenantsFile(path, deps)).rejects.toThrow(reason);
});

test("a start that is given up applies no more", async () => {
  const table = createMemoryTenantTable(() => NOW);
  using folder = mkdtempDisposableSync(join(tmpdir(), "holdfast-tenants-"));
  const path = join(folder.path, "tenants.yaml");
  writeFileSync(path, FILE);
  const gone = new Error("nobody wants a server any more");
  const deps = { table, terms: TERMS, validate: async () => ({ kind: "accepted" }) as const, log: silentLog };
  await expect(applyTenantsFile(path, { ...deps, signal: AbortSignal.abort(gone) })).rejects.toBe(gone);
  expect(table.changes).toEqual([]);
});

const HIDING = `
tenant: []
tenants:
  - { tenantId: dup, nonsense: 1 }
  - { tenantId: dup }
  - { tenantId: eu, placement: nowhere }
`;

test("an unknown name at the top, and an entry that cannot be read, hide nothing else", async () => {
  expect(await server().problems(HIDING)).toEqual([
    "tenant is no field of the file",
    expect.stringContaining("nonsense"),
    "tenants[1].tenantId must not be there twice: tenants[0] has the same",
    expect.stringContaining("tenants[2].placement"),
  ]);
});

test("what is wrong with a file is told before there is a database", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "holdfast-tenants-"));
  const path = join(folder.path, "tenants.yaml");
  writeFileSync(path, HIDING);
  await expect(checkTenantsFile(path, TERMS)).rejects.toThrow(/tenant is no[\s\S]*twice[\s\S]*tenants\[2\]\.placement/);
  writeFileSync(path, FILE);
  await checkTenantsFile(path, TERMS);
});
