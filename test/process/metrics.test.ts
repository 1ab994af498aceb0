import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CATALOG } from "../../src/telemetry/catalog.ts";
import { createAuthority } from "../support/certificates.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type ServerProcess, startServer } from "./server.ts";

const METRICS = CATALOG.flatMap(({ metrics }) => metrics);

let database: TestDatabase;
let directory: string;
let server: ServerProcess;
let page: string;

beforeAll(async () => {
  database = await createTestDatabase();
  directory = await mkdtemp(join(tmpdir(), "holdfast-metrics-"));
  const authority = createAuthority();
  const { certPem, keyPem } = authority.issue({ names: ["DNS:localhost", "IP:127.0.0.1"] });
  const [cert, key] = [join(directory, "tls.crt"), join(directory, "tls.key")];
  await Promise.all([writeFile(cert, certPem), writeFile(key, keyPem)]);
  // Whose gauges are absent without it.
  const args = ["--tls-cert", cert, "--tls-key", key, "--max-event-loop-delay", "1m"];
  server = await startServer({ databaseUrl: database.url, args });
  page = await scrape(server.http.replace("http:", "https:"), authority.caPem);
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
  await rm(directory, { recursive: true });
});

// Others than Linux tell less of the process.
test.runIf(process.platform === "linux")("docs/metrics.md lists what a server tells, no more and no less", () => {
  const told = [...page.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  expect(told.toSorted()).toEqual(METRICS.map(({ name, kind }) => `${name} ${kind}`).toSorted());
});

test("it lists their labels and all the values that these have", () => {
  for (const { name, kind, labels } of METRICS) {
    const series = new RegExp(`^${name}(?:_bucket|_sum|_count)?(?:\\{(.*)\\})? `, "gm");
    for (const [, text = ""] of page.matchAll(series)) {
      for (const [, label = "", value = ""] of text.matchAll(/(\w+)="([^"]*)"/g)) {
        if (label === "le" && kind === "histogram") continue;
        const allowed = labels[label];
        expect(allowed, `${name} has a label ${label}`).toBeDefined();
        if (typeof allowed === "object") expect(allowed, `${label} of ${name}`).toContain(value);
      }
    }
  }
});

test("what it says of each metric of ours is what the server says", () => {
  for (const { name, help } of METRICS.filter((metric) => /^(holdfast|grpc)_/.test(metric.name))) {
    expect(page).toContain(`# HELP ${name} ${help}\n`);
  }
});

function scrape(address: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(`${address}/metrics`, { ca }, (response) => resolve(text(response)));
    asked.on("error", reject).end();
  });
}
