import { expect, test } from "vitest";
import { createKeySetMetrics } from "../../../src/telemetry/key-set-metrics.ts";
import type { LogFields } from "../../../src/telemetry/log.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { createManualClock } from "../store/manual-clock.ts";

const ISSUER = "https://issuer.example/realm";
const OWN = "the keys of the server's issuer of tokens could not be fetched";
const REGISTERED = "the keys of an issuer that a tenant registered could not be fetched";

function setUp() {
  const metrics = createMetrics({ ofProcess: false });
  const clock = createManualClock();
  const warnings: { readonly message: string; readonly fields: LogFields }[] = [];
  const log = { warn: (fields: LogFields, message: string) => void warnings.push({ message, fields }) };
  const observer = createKeySetMetrics({ metrics, clock, log });
  const series = async () => (await metrics.page()).split("\n").filter((line) => line.startsWith("holdfast"));
  return { observer, clock, warnings, series };
}

const seriesOf = (issuer: string, fetched: number, refused: number, failed: number) => [
  `holdfast_key_set_fetches_total{issuer="${issuer}",result="fetched"} ${fetched}`,
  `holdfast_key_set_fetches_total{issuer="${issuer}",result="refused"} ${refused}`,
  `holdfast_key_set_fetches_total{issuer="${issuer}",result="failed"} ${failed}`,
];

test("every fetch is counted by whose issuer it is and its result, from 0 on, and one that brought keys is no line", async () => {
  const { observer, warnings, series } = setUp();
  expect(await series()).toEqual([...seriesOf("configured", 0, 0, 0), ...seriesOf("registered", 0, 0, 0)]);
  observer.fetched("configured", ISSUER, { kind: "fetched" });
  expect(warnings).toEqual([]);
  observer.fetched("configured", ISSUER, { kind: "failed", reason: "the address answered 503" });
  observer.fetched("registered", ISSUER, { kind: "refused", reason: "the answer is not a key set" });
  observer.fetched("registered", ISSUER, { kind: "refused", reason: "the answer is not a key set" });
  expect(await series()).toEqual([...seriesOf("configured", 1, 0, 1), ...seriesOf("registered", 0, 2, 0)]);
});

test("an outage is told with the issuer and the reason, once a second, and tenants' issuers do not hide the server's", async () => {
  const { observer, clock, warnings } = setUp();
  const down = { kind: "failed", reason: "the address answered 503" } as const;
  for (let i = 0; i < 3; i++) observer.fetched("registered", "https://acme.example", down);
  observer.fetched("configured", ISSUER, down);
  await clock.advance(1_000);
  observer.fetched("registered", "https://other.example", down);
  const told = { result: "failed", reason: down.reason };
  expect(warnings).toEqual([
    { message: REGISTERED, fields: { issuer: "https://acme.example", ...told, times: 1 } },
    { message: OWN, fields: { issuer: ISSUER, ...told, times: 1 } },
    { message: REGISTERED, fields: { issuer: "https://other.example", ...told, times: 3 } },
  ]);
});

test("a fetch that threw is told with what it threw", () => {
  const { observer, warnings } = setUp();
  const error = new Error("bug: thrown");
  observer.fetched("configured", ISSUER, { kind: "failed", reason: "the fetch threw", error });
  expect(warnings[0]?.fields).toMatchObject({ reason: "the fetch threw", error });
});

test.each([
  ["https://user:secret@issuer.example/realm?token=secret#secret", "https://issuer.example/realm"],
  ["urn:example:issuer", "urn:example:issuer"],
  ["accounts.example.com", "accounts.example.com"],
])("of the issuer %s the log is told %s", (issuer, told) => {
  const { observer, warnings } = setUp();
  observer.fetched("configured", issuer, { kind: "refused", reason: "the address answered 404" });
  expect(warnings.map(({ fields }) => fields["issuer"])).toEqual([told]);
});
