import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServerProcess, startServer } from "../process/server.ts";
import { createAuthority } from "../support/certificates.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { dashboardQueries, RULES_FILE, readRules } from "../support/observability.ts";
import { mentioned } from "../support/promql.ts";
import { describeWith } from "./support/programs.ts";
import { type Prometheus, startPrometheus } from "./support/prometheus.ts";
import { makeTraffic } from "./support/traffic.ts";

/** What has no series while all is well, and why that is right. */
const SILENT_WHEN_HEALTHY: Readonly<Record<string, string>> = {
  ALERTS: "an alert is a series while it fires",
  holdfast_store_retries_total: "its causes are SQLSTATEs, which nobody can list: a series begins with its first retry",
};

/** How busy the machine is must not decide a test: these judge nothing but how long something takes. */
const OF_TIME =
  "HoldfastQueueWaitHigh|HoldfastEventLoopSlow|HoldfastListenerSlow|HoldfastWakeUpsSlow|HoldfastLatencyBudgetBurns(Fast)?";

const authority = createAuthority();

await describeWith(["prometheus", "promtool"], "a server under the real Prometheus", ({ prometheus, promtool }) => {
  let database: TestDatabase;
  let directory: string;
  let server: ServerProcess;
  let watch: Prometheus;

  beforeAll(async () => {
    database = await createTestDatabase();
    directory = await mkdtemp(join(tmpdir(), "holdfast-prometheus-"));
    const { certPem, keyPem } = authority.issue({ names: ["DNS:localhost", "IP:127.0.0.1"] });
    const [cert, key] = [join(directory, "tls.crt"), join(directory, "tls.key")];
    await Promise.all([writeFile(cert, certPem), writeFile(key, keyPem)]);
    const tls = ["--tls-cert", cert, "--tls-key", key];
    const args = [...tls, "--sweep-interval", "100ms", "--max-event-loop-delay", "1m"];
    server = await startServer({ databaseUrl: database.url, args });
    const targets = [new URL(server.http).host];
    const rules = readFileSync(RULES_FILE, "utf8");
    watch = await startPrometheus(prometheus, { targets, caPem: authority.caPem, rules });
    // Rises are seen from the first scrape on.
    await watch.until("holdfast_ready == 1");
    const address = server.grpc.replace("127.0.0.1", "localhost");
    await makeTraffic(address, credentials.createSsl(Buffer.from(authority.caPem)));
    await watch.until('holdfast_stuck_records{reason="outcome-unknown"} > 0');
    await watch.until('rate(holdfast_operator_changes_total{action="revoke"}[1m]) > 0');
    await watch.until("holdfast:stuck_records:max > 0");
  });

  afterAll(async () => {
    await watch?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await database?.drop();
    await rm(directory, { recursive: true });
  });

  const isSilent = (expression: string) =>
    mentioned(expression).selectors.some(({ metric }) => metric in SILENT_WHEN_HEALTHY);

  /** As Grafana asks it. */
  const asked = (expression: string) =>
    expression.replaceAll(/\$(job|instance)/g, ".+").replaceAll("$__rate_interval", "1m");

  test("tells its metrics as promtool wants them", async () => {
    const page = await scrape(server);
    const child = spawn(promtool.path, ["check", "metrics"], { env: { ...process.env, ...promtool.env } });
    child.stdin.end(page);
    expect((await text(child.stdout)) + (await text(child.stderr))).toBe("");
  });

  test.each(dashboardQueries())("$panel of the dashboard has something to show: $expr", async ({ expr }) => {
    if (isSilent(expr)) return;
    expect(await watch.query(asked(expr))).not.toEqual([]);
  });

  test("no more is silent than has to be", async () => {
    const silent = dashboardQueries().filter(({ expr }) => isSilent(expr));
    expect(silent).toHaveLength(Object.keys(SILENT_WHEN_HEALTHY).length);
    for (const { expr } of silent) expect(await watch.query(asked(expr))).toEqual([]);
  });

  test.each(readRules().recordings)("the rule $record records something", async ({ record }) => {
    expect(await watch.until(record)).not.toEqual([]);
  });

  test.each(readRules().alerts)("$alert judges series that there are", async ({ expr }) => {
    for (const { text: selector } of mentioned(expr).selectors) {
      expect(await watch.until(selector), selector).not.toEqual([]);
    }
  });

  test("no alert begins to fire but that of what was left behind", async () => {
    const others = `alertname!~"HoldfastOutcomeUnknown|${OF_TIME}"`;
    const pending = await watch.query(`count by (alertname) (ALERTS{${others}})`);
    expect(pending).toEqual([]);
  });
});

function scrape({ http }: ServerProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(`${http.replace("http:", "https:")}/metrics`, { ca: authority.caPem }, (response) => {
      resolve(text(response));
    });
    asked.on("error", reject).end();
  });
}
