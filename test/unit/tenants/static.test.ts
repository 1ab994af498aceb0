import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { plainTenant } from "../../../src/domain/tenant.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { plainRuntime } from "../../../src/tenants/runtime.ts";
import { createStaticTenants } from "../../../src/tenants/static.ts";
import { freshToken, NOW } from "../../support/records.ts";
import { waitAlone } from "../../support/waiting.ts";

const NEVER = Number.POSITIVE_INFINITY;
const store = createMemoryStore({ now: () => NOW, newToken: freshToken });
const runtime = plainRuntime(waitAlone({ store, clock: systemClock }));
const acme = plainTenant("acme");

describe("a static list of tenants", () => {
  test("knows the default tenant and nobody else, unless told", async () => {
    const tenants = createStaticTenants(runtime);
    expect(await tenants.enter("default", NEVER)).toMatchObject({ tenant: { id: "default", health: "healthy" } });
    expect(await tenants.enter("acme", NEVER)).toBeNull();
    expect(await tenants.enter("toString", NEVER)).toBeNull();
  });

  test("finds its tenants by id and by host, and nobody by issuer", async () => {
    const tenants = createStaticTenants(runtime, [{ tenant: acme, hosts: ["https://API.Acme.example:443/"] }]);
    expect(await tenants.enter("acme", NEVER)).toEqual({ tenant: acme, runtime });
    const find = (host: string) => tenants.find({ kind: "host", host, path: "" }, NEVER);
    expect(await find("api.acme.example")).toBe("acme");
    expect(await find("acme.example")).toBeNull();
    expect(await tenants.find({ kind: "issuer", issuer: "acme", subject: "acme" }, NEVER)).toBeNull();
    expect(await tenants.find({ kind: "id", id: "acme" }, NEVER)).toBe("acme");
  });

  test("refuses a host that belongs to another tenant, however it is spelt, and what is none", () => {
    const listing = (spelling: string) => () =>
      createStaticTenants(runtime, [
        { tenant: acme, hosts: ["acme.example"] },
        { tenant: plainTenant("other"), hosts: [spelling] },
      ]);
    expect(listing("ACME.example.")).toThrow("acme.example belongs to tenant acme");
    expect(listing("*")).toThrow("not a host");
  });
});
