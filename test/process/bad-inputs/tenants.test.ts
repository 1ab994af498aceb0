import type { MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { FailKind, IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { ResolveTenantRequestSchema } from "../../../gen/holdfast/v1/tenant_pb.ts";
import { newClaimId, newKey } from "../callers.ts";
import { row } from "./rows.ts";
import { CANARY, call, FIELD_INVALID, generic, livesOn, type Refusal, refusesCall, useStand } from "./stand.ts";
import { DISTINCT_WIRES, encode } from "./wires.ts";

const { method } = IdempotencyService;
const stand = useStand();

type Selector = NonNullable<MessageInitShape<typeof ResolveTenantRequestSchema>["selector"]>;
const NOT_FOUND: Refusal = { code: "NOT_FOUND", reason: "TENANT_NOT_FOUND" };
const host = (name: string, path = ""): Selector => ({ case: "host", value: { host: name, path } });
const id = (value: string): Selector => ({ case: "tenantId", value });
const issuer = (value: string): Selector => ({ case: "issuer", value: { issuer: value, subject: CANARY } });

/** What must match nothing has something that it could match. */
async function addTenants(): Promise<void> {
  await stand.sql.query("insert into holdfast.tenant (id) values ('acme'), ('a') on conflict do nothing");
  const hosts = "('acme.example', 'acme'), ('xn--bcher-kva.example', 'a'), ('127.0.0.1', 'a')";
  await stand.sql.query(`insert into holdfast.tenant_host (host, tenant) values ${hosts} on conflict do nothing`);
}

describe.each(DISTINCT_WIRES)("%s", (name) => {
  test.each<[string, Selector]>([
    ["%", id("%")],
    ["_", id("_")],
    ["*", id("*")],
    ["a pattern with a prefix", id("acm%")],
    ["../", id("../acme")],
    ["upper case", id("ACME")],
    ["a space behind it", id("acme ")],
    ["a quote", id("acme' or '1'='1")],
    ["another script", id("аcme")],
    ["a name of an object's property", id("__proto__")],
    ["% as a host", host("%")],
    ["* as a host", host("*")],
    ["*.example", host("*.example")],
    ["_cme.example", host("_cme.example")],
    ["../", host("../acme.example")],
    ["a name that ends like it", host("evil-acme.example")],
    ["a name that begins like it", host("acme.example.evil")],
    ["a subdomain", host("www.acme.example")],
    ["a homograph", host("аcme.example")],
    ["two dots at the end", host("acme.example..")],
    ["another port's separator", host("acme.example:80:80")],
    ["a space inside", host("acme.example evil")],
    ["an escape", host("acme%2eexample")],
    ["half an address", host("[::1")],
    ["a lone dot", host(".")],
    ["an issuer", issuer("https://acme.example")],
  ])(`${row(88)}: %s is nobody`, async (_, selector) => {
    await addTenants();
    const wire = stand.wires[name];
    const answer = await refusesCall(stand, wire, method.resolveTenant, { selector }, NOT_FOUND);
    expect(answer.message).not.toContain("acme");
  });

  test.each<[string, Selector, string]>([
    ["no id", id(""), "tenant_id"],
    ["an id of 64 bytes", id(CANARY.repeat(11).slice(0, 64)), "tenant_id"],
    ["U+0000 in an id", id(`${CANARY}\0`), "tenant_id"],
    ["no host", host(""), "host.host"],
    ["a host of 256 bytes", host(CANARY.repeat(43).slice(0, 256)), "host.host"],
    ["a host of 10 KiB", host(CANARY.repeat(1707)), "host.host"],
    ["U+0000 in a host", host(`acme.example\0${CANARY}`), "host.host"],
    ["a path of 2049 bytes", host("acme.example", CANARY.repeat(342)), "host.path"],
    ["no issuer", issuer(""), "issuer.issuer"],
  ])(`${row(88)}: %s is FIELD_INVALID`, async (_, selector, field) => {
    await refusesCall(stand, stand.wires[name], method.resolveTenant, { selector }, FIELD_INVALID(field));
  });

  test.each([
    ["a dot at the end", "acme.example."],
    ["upper case and a port", "ACME.Example:8443"],
    ["a URL with a user", "https://user@acme.example/path?query"],
    ["an IDN", "Bücher.example"],
    ["an address as one number", "2130706433"],
    ["full-width letters", "ａｃｍｅ．example"],
  ])(`${row(88)}, or other spellings of one that exists: %s`, async (_, spelling) => {
    await addTenants();
    const tenant = await call(stand.wires[name], method.resolveTenant, { selector: host(spelling) });
    expect(["acme", "a"]).toContain(tenant.tenantId);
  });

  test(`${row(89)} are all answered alike`, async () => {
    await addTenants();
    const wire = stand.wires[name];
    const guesses = Array.from({ length: 300 }, (_, i) =>
      i % 2 ? id(`${CANARY}-${i}`) : host(`${CANARY}${i}.example`),
    );
    const answers = await Promise.all(
      guesses.map((selector) =>
        wire.send(generic(method.resolveTenant), encode(wire, method.resolveTenant, { selector })),
      ),
    );
    const seen = answers.map(({ code, message, details }) => JSON.stringify({ code, message, details: [...details] }));
    expect(new Set(seen).size).toBe(1);
    expect(answers[0]).toMatchObject({ code: "NOT_FOUND" });
    expect(answers.some(({ received }) => received.includes(CANARY))).toBe(false);
  });

  test(`${row(31)} is told apart from nothing else: every call of it is refused alike`, async () => {
    const wire = stand.wires[name];
    for (const tenant of ["nobody", "%", "../", "DEFAULT", "default ", CANARY]) {
      const key = { ...newKey(), tenant };
      const handle = { key, token: new Uint8Array(16), fence: 1n };
      const result = { body: { case: "omittedReason", value: CANARY } } as const;
      const texts = [
        await refusesCall(stand, wire, method.claim, { key, claimId: newClaimId() }, NOT_FOUND),
        await refusesCall(stand, wire, method.getRecord, { key }, NOT_FOUND),
        await refusesCall(stand, wire, method.heartbeat, { handle }, NOT_FOUND),
        await refusesCall(stand, wire, method.complete, { handle, result }, NOT_FOUND),
        await refusesCall(stand, wire, method.fail, { handle, kind: FailKind.TERMINAL }, NOT_FOUND),
      ].map(({ message }) => message);
      expect(new Set(texts).size).toBe(1);
    }
  });
});

livesOn(stand);
