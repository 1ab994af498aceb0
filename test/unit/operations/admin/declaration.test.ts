import { fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TenantRegistrationSchema } from "../../../../gen/holdfast/v1/admin_pb.ts";
import { DURATIONS } from "../../../../src/domain/limits.ts";
import type { TenantRegistration } from "../../../../src/domain/registration.ts";
import { DEFAULT_POLICY, type TenantHealth, UNLIMITED } from "../../../../src/domain/tenant.ts";
import {
  type Declaration,
  type DeclarationTerms,
  declare,
  sameRegistration,
  sameValidator,
} from "../../../../src/operations/admin/tenants/declaration.ts";
import { declarationOf, toRegistration } from "../../../../src/rpc/wire/registration.ts";

const TERMS: DeclarationTerms = {
  placements: ["main", "eu"],
  hasMasterKey: true,
  reach: { loopback: false, private: false, ports: [] },
};

const PLAIN: Declaration = {
  id: "acme",
  displayName: "",
  hosts: [],
  issuers: [],
  agentUrl: "",
  validator: { kind: "none" },
  eager: false,
  limits: UNLIMITED,
  policy: {},
  placement: "",
  serveStates: [],
  encrypted: null,
};

function registered(declaration: Partial<Declaration>, stored: TenantRegistration | null = null): TenantRegistration {
  const declared = declare({ ...PLAIN, ...declaration }, TERMS, stored);
  if (declared.kind === "violations") throw new Error(JSON.stringify(declared.violations));
  return declared.registration;
}

const milliseconds = ({ minMs, maxMs }: { readonly minMs: number; readonly maxMs: number }) =>
  fc.integer({ min: minMs, max: maxMs });

const count = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const url = fc.constantFrom("https://a.example/x", "https://[2606:4700::1111]/", "https://b.example");

const anyDeclaration: fc.Arbitrary<Partial<Declaration>> = fc.record(
  {
    displayName: fc.string({ maxLength: 20 }).filter((text) => text.isWellFormed() && !text.includes("\0")),
    hosts: fc.uniqueArray(
      fc.record({
        host: fc.constantFrom("A.example:80", "::1", "bücher.example"),
        path: fc.constantFrom("", "/a/", "/b"),
      }),
      { selector: ({ host, path }) => host + path },
    ),
    issuers: fc.uniqueArray(
      fc.record({
        issuer: fc.constantFrom("i", "j"),
        subject: fc.constantFrom("", "s"),
        audience: fc.constant("a"),
        jwksUrl: url,
      }),
      { selector: ({ issuer, subject }) => `${issuer} ${subject}` },
    ),
    validator: fc.oneof(
      fc.constant({ kind: "none" as const }),
      fc.record({ kind: fc.constantFrom("http" as const, "jwks" as const), url }),
    ),
    eager: fc.boolean(),
    limits: fc.record({
      newRecordsPerSecond: fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 1e6, noNaN: true })),
      newRecordsBurst: fc.nat(),
      liveRecords: count,
      storedBytes: count,
      leases: fc.nat(),
      waiters: fc.nat(),
    }),
    policy: fc.record(
      {
        hold: fc.boolean(),
        maxAttempts: fc.integer({ min: 0, max: 1000 }),
        maxExecutionMs: milliseconds(DURATIONS.maxExecution),
        resultRetentionMs: milliseconds(DURATIONS.resultRetention),
        tombstoneRetentionMs: milliseconds(DURATIONS.tombstoneRetention),
      },
      { requiredKeys: [] },
    ),
    placement: fc.constantFrom("", "main", "eu"),
    serveStates: fc.uniqueArray(fc.constantFrom<TenantHealth>("pending", "healthy", "unverified", "disabled")),
    encrypted: fc.constantFrom(null, true, false),
  },
  { requiredKeys: [] },
);

describe("whatever may be declared", () => {
  test("means the same when its answer is declared again, over the wire and as JSON", () => {
    fc.assert(
      fc.property(anyDeclaration, (declaration) => {
        const registration = registered(declaration);
        const message = toRegistration(registration);
        const wired = fromBinary(TenantRegistrationSchema, toBinary(TenantRegistrationSchema, message));
        const written = fromJson(TenantRegistrationSchema, toJson(TenantRegistrationSchema, message));
        for (const again of [wired, written]) {
          expect(registered(declarationOf(again))).toEqual(registration);
          expect(sameRegistration(registered(declarationOf(again), registration), registration)).toBe(true);
        }
      }),
    );
  });

  test("is the same registration in any order of its lists, and with its fixed parts left open", () => {
    fc.assert(
      fc.property(anyDeclaration, (declaration) => {
        const stored = registered(declaration);
        const turned = {
          ...declaration,
          ...{ hosts: declaration.hosts?.toReversed() ?? [], issuers: declaration.issuers?.toReversed() ?? [] },
          ...{ serveStates: declaration.serveStates?.toReversed() ?? [], placement: "", encrypted: null },
        };
        expect(sameRegistration(registered(turned, stored), stored)).toBe(true);
      }),
    );
  });
});

describe("another registration is one that differs in", () => {
  const one = registered({});

  test.each<[string, Partial<Declaration>]>([
    ["its id", { id: "other" }],
    ["its name", { displayName: "x" }],
    ["a host", { hosts: [{ host: "a.example", path: "" }] }],
    ["an issuer", { issuers: [{ issuer: "i", subject: "", audience: "", jwksUrl: "" }] }],
    ["its agent", { agentUrl: "x" }],
    ["its validator", { validator: { kind: "http", url: "https://a.example" } }],
    ["when it is built", { eager: true }],
    ["a limit", { limits: { ...UNLIMITED, liveRecords: 1n } }],
    ["its policy", { policy: { ...DEFAULT_POLICY, hold: true } }],
    ["its placement", { placement: "eu" }],
    ["its healths", { serveStates: ["healthy"] }],
    ["its encryption", { encrypted: false }],
  ])("%s", (_, more) => {
    expect(sameRegistration(registered(more), one)).toBe(false);
  });
});

test.each([
  [{ kind: "none" }, { kind: "none" }, true],
  [{ kind: "http", url: "https://a.example" }, { url: "https://a.example", kind: "http" }, true],
  [{ kind: "http", url: "https://a.example" }, { kind: "jwks", url: "https://a.example" }, false],
  [{ kind: "http", url: "https://a.example" }, { kind: "http", url: "https://b.example" }, false],
  [{ kind: "http", url: "https://a.example" }, { kind: "none" }, false],
] as const)("the validators %j and %j are the same: %s", (one, other, same) => {
  expect(sameValidator(registered({ validator: one }), registered({ validator: other }))).toBe(same);
});
