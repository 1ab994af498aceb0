import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { plainTenant, type Tenant, type TenantSelector } from "../../../src/domain/tenant.ts";
import { createCachedDirectory } from "../../../src/tenants/cached.ts";

const NEVER = Number.POSITIVE_INFINITY;
const id = (name: string): TenantSelector => ({ kind: "id", id: name });
const host = (name: string, path = ""): TenantSelector => ({ kind: "host", host: name, path });

/** A directory that counts its questions, and answers each when told. */
function counted(answer: (selector: TenantSelector) => Promise<Tenant | null>) {
  const asked: TenantSelector[] = [];
  let nowMs = 0;
  const cached = createCachedDirectory({
    directory: {
      resolve(selector) {
        asked.push(selector);
        return answer(selector);
      },
    },
    clock: { monotonicMs: () => nowMs, sleep: async () => {}, turn: async () => {} },
    ttlMs: 1000,
    absentTtlMs: 100,
    entriesMax: 2,
  });
  return {
    asked,
    resolve: (selector: TenantSelector) => cached.resolve(selector, NEVER),
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe("a cached directory", () => {
  const known = async (selector: TenantSelector) => (selector.kind === "id" ? plainTenant(selector.id) : null);
  const nobody = async () => null;

  test("asks once for as long as an answer is good", async () => {
    const { asked, resolve, pass } = counted(known);
    expect(await resolve(id("acme"))).toMatchObject({ id: "acme" });
    pass(999);
    expect(await resolve(id("acme"))).toMatchObject({ id: "acme" });
    expect(asked).toHaveLength(1);
    pass(1);
    await resolve(id("acme"));
    expect(asked).toHaveLength(2);
  });

  test("remembers for a short while that there is no such tenant", async () => {
    const { asked, resolve, pass } = counted(nobody);
    expect(await resolve(id("acme"))).toBeNull();
    pass(99);
    expect(await resolve(id("acme"))).toBeNull();
    expect(asked).toHaveLength(1);
    pass(1);
    expect(await resolve(id("acme"))).toBeNull();
    expect(asked).toHaveLength(2);
  });

  test("asks once for all who ask at the same time", async () => {
    const gate = Promise.withResolvers<Tenant | null>();
    const { asked, resolve } = counted(() => gate.promise);
    const answers = Promise.all([resolve(id("acme")), resolve(id("acme")), resolve(id("acme"))]);
    const acme = plainTenant("acme");
    gate.resolve(acme);
    expect(await answers).toEqual([acme, acme, acme]);
    expect(asked).toHaveLength(1);
  });

  test("lets no tenant wait for another", async () => {
    const { resolve } = counted((selector) =>
      selector.kind === "id" && selector.id === "slow" ? new Promise(() => {}) : known(selector),
    );
    void resolve(id("slow"));
    expect(await resolve(id("acme"))).toMatchObject({ id: "acme" });
  });

  test("tells an error to all who asked, and forgets it", async () => {
    const fault = new Fault("STORE_UNAVAILABLE", "down");
    let down = true;
    const { asked, resolve } = counted(async (selector) => {
      if (down) throw fault;
      return known(selector);
    });
    const answers = await Promise.allSettled([resolve(id("acme")), resolve(id("acme"))]);
    expect(answers).toEqual([
      { status: "rejected", reason: fault },
      { status: "rejected", reason: fault },
    ]);
    down = false;
    expect(await resolve(id("acme"))).toMatchObject({ id: "acme" });
    expect(asked).toHaveLength(2);
  });

  test("keeps no more than its bound, the newest", async () => {
    const { asked, resolve } = counted(known);
    for (const name of ["a", "b", "c"]) await resolve(id(name));
    await resolve(id("c"));
    await resolve(id("b"));
    expect(asked).toHaveLength(3);
    await resolve(id("a"));
    expect(asked).toHaveLength(4);
  });

  test("lets guessed names push out no known tenant", async () => {
    const { asked, resolve } = counted((selector) =>
      selector.kind === "id" && selector.id === "acme" ? known(selector) : nobody(),
    );
    await resolve(id("acme"));
    for (let i = 0; i < 50; i++) await resolve(id(`guess-${i}`));
    await resolve(id("acme"));
    expect(asked).toHaveLength(51);
  });

  test("tells selectors apart that look alike", async () => {
    const { asked, resolve } = counted(nobody);
    await resolve(host("a", "b/c"));
    await resolve(host("ab", "/c"));
    await resolve({ kind: "issuer", issuer: "a", subject: "bc" });
    await resolve({ kind: "issuer", issuer: "ab", subject: "c" });
    expect(asked).toHaveLength(4);
  });
});
