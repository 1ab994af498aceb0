import { describe, expect, test } from "vitest";
import type { TenantHealth } from "../../../src/domain/tenant.ts";
import { type HealthEvent, nextHealth } from "../../../src/domain/tenant-health.ts";
import { cellsOf } from "../../support/table.ts";

const cells = cellsOf(`
  health     | accepted | refused    | uncertain  | build-failed
  pending    | healthy  | disabled   | pending    | disabled
  healthy    | healthy  | unverified | unverified | disabled
  unverified | healthy  | disabled   | unverified | disabled
  disabled   | healthy  | disabled   | disabled   | disabled
`);

describe("the health of a tenant", () => {
  test.each(cells)("$row and $column make $expected", ({ row, column, expected }) => {
    const event = { kind: column, reason: "because" } as HealthEvent;
    expect(nextHealth(row as TenantHealth, event)).toBe(expected);
  });

  test("a tenant that does not serve begins to only when it is accepted", () => {
    const served = (health: string) => health === "healthy" || health === "unverified";
    const lifting = cells.filter(({ row, expected }) => !served(row) && served(expected));
    expect(lifting.map(({ column }) => column)).toEqual(["accepted", "accepted"]);
  });
});
