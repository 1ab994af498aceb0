import { expect, test } from "vitest";
import type { Principal } from "../../../../src/auth/authenticator.ts";
import {
  CALLS_OF_CALLER_MAX,
  CALLS_OF_TENANT_MAX,
  createCallerLimit,
} from "../../../../src/operations/admin/caller-limit.ts";

const principalOf = (name: string, tenant: string | null): Principal => ({
  ...{ name, tenant },
  ...{ roles: new Set(["admin"]), authenticated: true },
});

/** Operations that go on until they are let go, behind one limit. */
function setUp() {
  const limited = createCallerLimit();
  let gate = Promise.withResolvers<void>();
  let begun = 0;
  const operation = limited(async ({ principal }: { readonly principal: Principal }, given: string) => {
    begun++;
    await gate.promise;
    return `${principal.name} ${given}`;
  });
  const other = limited(async (_caller: { readonly principal: Principal }) => "other");
  return {
    limited,
    other,
    call: (name: string, tenant: string | null) => operation({ principal: principalOf(name, tenant) }, "asked"),
    begun: () => begun,
    letGo() {
      gate.resolve();
      gate = Promise.withResolvers();
    },
  };
}

const full = { code: "OVERLOADED" };
const all = (count: number, call: (index: number) => Promise<string>) =>
  Array.from({ length: count }, (_, i) => call(i));

test("what is answered is what the operation answers, with all that it was given", async () => {
  const { call, letGo } = setUp();
  const answer = call("api-key:a", "acme");
  letGo();
  expect(await answer).toBe("api-key:a asked");
});

test.each<[string, string | null]>([
  ["of a tenant", "acme"],
  ["of every tenant", null],
])("a caller %s has sixteen calls under way, whatever they are, and no more until one has ended", async (_, tenant) => {
  const own = setUp();
  const calls = all(CALLS_OF_CALLER_MAX, () => own.call("api-key:a", tenant));
  await expect(own.call("api-key:a", tenant)).rejects.toMatchObject(full);
  await expect(own.other({ principal: principalOf("api-key:a", tenant) })).rejects.toMatchObject(full);
  expect(own.begun(), "what is refused is not begun").toBe(16);
  own.letGo();
  await Promise.all(calls);
  expect(await own.other({ principal: principalOf("api-key:a", tenant) })).toBe("other");
});

test("another caller of the same tenant is not held up by one, but by four", async () => {
  const own = setUp();
  const calls = all(CALLS_OF_TENANT_MAX, (i) => own.call(`api-key:${Math.floor(i / CALLS_OF_CALLER_MAX)}`, "acme"));
  expect(own.begun()).toBe(64);
  await expect(own.call("api-key:own", "acme")).rejects.toMatchObject(full);
  const others = [own.call("api-key:theirs", "other"), own.call("api-key:operator", null)];
  own.letGo();
  expect(await Promise.all([...calls, ...others])).toHaveLength(66);
});

test("callers of every tenant share nothing", async () => {
  const own = setUp();
  const calls = all(8 * CALLS_OF_CALLER_MAX, (i) => own.call(`api-key:${i % 8}`, null));
  own.letGo();
  expect(await Promise.all(calls)).toHaveLength(128);
});

test("a call that fails makes room as well", async () => {
  const { limited } = setUp();
  const failing = limited(async (_caller: { readonly principal: Principal }) => {
    throw new Error("failed");
  });
  for (let calls = 0; calls < 2 * CALLS_OF_CALLER_MAX; calls++) {
    await expect(failing({ principal: principalOf("api-key:a", "acme") })).rejects.toThrow("failed");
  }
});
