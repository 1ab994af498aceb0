import { expect, test } from "vitest";
import type { Verdict } from "../../../src/domain/registration.ts";
import type { LogFields } from "../../../src/telemetry/log.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { addChangeFeedGauges, countValidations, createTenantMetrics } from "../../../src/telemetry/tenant-metrics.ts";
import { HTTP, registrationOf } from "../tenants/registry/scene.ts";

function setUp() {
  const metrics = createMetrics({ ofProcess: false });
  const series = async (name: string) => (await metrics.page()).split("\n").filter((line) => line.startsWith(name));
  return { metrics, series };
}

test("what validators say is counted by verdict, from 0 on; a tenant without one is none", async () => {
  const { metrics, series } = setUp();
  let verdict: Verdict = { kind: "accepted" };
  const validate = countValidations(async () => verdict, metrics);
  const ask = async (validator = HTTP) => validate(registrationOf("acme", { validator }), new AbortController().signal);
  const counted = async () => (await series("holdfast_tenant_validations_total")).map((line) => line.split("total")[1]);
  expect(await counted()).toEqual(['{verdict="accepted"} 0', '{verdict="refused"} 0', '{verdict="uncertain"} 0']);
  await ask({ kind: "none" });
  await ask();
  verdict = { kind: "refused", reason: "the address answered 404" };
  expect(await ask()).toBe(verdict);
  verdict = { kind: "uncertain", reason: "the address answered 503" };
  for (let i = 0; i < 3; i++) await ask();
  expect(await counted()).toEqual(['{verdict="accepted"} 1', '{verdict="refused"} 1', '{verdict="uncertain"} 3']);
});

test("a validation that was aborted has no verdict", async () => {
  const { metrics, series } = setUp();
  const validate = countValidations(() => Promise.reject(new Error("aborted")), metrics);
  const asking = validate(registrationOf("acme", { validator: HTTP }), AbortSignal.abort());
  await expect(asking).rejects.toThrow("aborted");
  expect((await series("holdfast_tenant_validations_total")).filter((line) => !line.endsWith(" 0"))).toEqual([]);
});

test("a tenant whose validator could not tell is a warning that says of which generation, and why", () => {
  const warnings: { readonly message: string; readonly fields: LogFields }[] = [];
  const warn = (fields: LogFields, message: string) => void warnings.push({ message, fields });
  const observer = createTenantMetrics({ metrics: setUp().metrics, log: { info() {}, warn } });
  observer.undecided({ id: "acme", generation: 7n, reason: "the address did not answer in time" });
  expect(warnings).toEqual([
    {
      message: "a tenant stays pending: its validator could not be asked, and will be again",
      fields: { tenant: "acme", generation: "7", reason: "the address did not answer in time" },
    },
  ]);
});

test("the gauges of the changes are what the feed says at the scrape", async () => {
  const { metrics, series } = setUp();
  let status = { isListening: false, isReading: true };
  addChangeFeedGauges(metrics, () => status);
  expect(await series("holdfast_changes")).toEqual(["holdfast_changes_listening 0", "holdfast_changes_reading 1"]);
  status = { isListening: true, isReading: false };
  expect(await series("holdfast_changes")).toEqual(["holdfast_changes_listening 1", "holdfast_changes_reading 0"]);
});
