import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { readConfig } from "../../../src/server/config/read.ts";
import { STOP_SLACK_MS } from "../../../src/server/limits.ts";
import { roleSettingsSql } from "../../../src/store/postgres/session-settings.ts";
import { pathOf, read, unknownFlags, unknownVariables } from "./deployed-settings.ts";

interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly configs?: readonly { readonly source: string; readonly target: string }[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
}

const FILES = ["deploy/compose/compose.yaml", "deploy/compose/compose.pgbouncer.yaml"] as const;
const [base, pooled] = FILES.map((file) => parse(read(file), { merge: true }) as Compose) as [Compose, Compose];
const all = (compose: Compose) => Object.entries(compose.services);
const SERVERS = ["holdfast-1", "holdfast-2"] as const;

describe.each([
  ["alone", base],
  ["with a pooler", pooled],
] as const)("the servers, %s", (_, compose) => {
  test.each(SERVERS)("%s has settings that can be used", (name) => {
    const env = { ...base.services[name]?.environment, ...compose.services[name]?.environment };
    const read = readConfig("serve", [], env);
    expect(read.kind === "problems" ? read.problems : []).toEqual([]);
    if (read.kind === "problems") return;
    // Longer than the server takes to stop at most.
    const graceMs = Number.parseInt(base.services[name]?.stop_grace_period ?? "", 10) * 1000;
    expect(graceMs).toBeGreaterThan(read.config.drainDelayMs + read.config.drainGraceMs + STOP_SLACK_MS);
    expect(read.config.auth).toEqual(["api-key"]);
  });
});

test.each(FILES)("%s names variables and flags that there are", (file) => {
  expect(unknownVariables(read(file))).toEqual(file.includes("pgbouncer") ? [] : ["HOLDFAST_IMAGE"]);
  const ours = (flag: string) => !["--detach", "--build", "--wait", "--host", "--username"].includes(flag);
  expect(unknownFlags(read(file)).filter(ours)).toEqual(
    file.includes("pgbouncer") ? ["--no-psqlrc", "--set", "--file"] : [],
  );
});

test("ports are published on loopback only, and none twice", () => {
  const published = all(base).flatMap(([, { ports = [] }]) => ports);
  expect(published.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
  const hosts = published.map((port) => port.split(":")[1]);
  expect(new Set(hosts).size).toBe(hosts.length);
  expect(all(pooled).flatMap(([, { ports = [] }]) => ports)).toEqual([]);
});

test("what runs our image runs one of its commands, on a read-only root", () => {
  const own = all(base).filter(([, { image }]) => image?.includes("holdfast"));
  expect(own.map(([name]) => name)).toEqual(["migrate", ...SERVERS]);
  const names = COMMANDS.map(({ name }) => name);
  for (const [, { command = ["serve"], read_only }] of own) {
    expect(names).toContain(command[0]);
    expect(read_only).toBe(true);
  }
});

test("whatever is waited for, mounted or given as a configuration is there", () => {
  const services = { ...base.services, ...pooled.services };
  const configs = { ...base.configs, ...pooled.configs };
  for (const [, service] of [...all(base), ...all(pooled)]) {
    for (const needed of Object.keys(service.depends_on ?? {})) expect(Object.keys(services)).toContain(needed);
    for (const { source } of service.configs ?? []) expect(Object.keys(configs)).toContain(source);
    for (const volume of service.volumes ?? []) {
      const [source = ""] = volume.split(":");
      if (source.startsWith("."))
        expect([source, existsSync(pathOf(`deploy/compose/${source}`))]).toEqual([source, true]);
    }
  }
});

test("a server starts when the schema is up to date, and behind a pooler when the role has its settings", () => {
  for (const name of SERVERS) {
    expect(base.services[name]?.depends_on).toMatchObject({ migrate: { condition: "service_completed_successfully" } });
    expect(pooled.services[name]?.depends_on).toEqual({ pgbouncer: { condition: "service_started" } });
  }
  expect(pooled.services["pgbouncer"]?.depends_on).toEqual({
    "role-settings": { condition: "service_completed_successfully" },
  });
});

test("the settings of the role are those that a server asks for", () => {
  const statements = read("deploy/compose/pgbouncer/role-settings.sql").split("\n").slice(1).join(" ").trim();
  expect(statements).toBe(roleSettingsSql("holdfast", "holdfast"));
  const [, told = ""] = /```sql\n(.*?)```/s.exec(read("docs/operations.md").split("## PgBouncer")[1] ?? "") ?? [];
  expect(
    told
      .trim()
      .split(/\s*\n\s*/)
      .join(" "),
  ).toBe(statements);
});

test("Prometheus scrapes the servers by their names here", () => {
  const { scrape_configs } = parse(read("deploy/prometheus/prometheus.yml"));
  const targets = scrape_configs.flatMap(({ static_configs }: { static_configs: readonly { targets: string[] }[] }) =>
    static_configs.flatMap(({ targets }) => targets),
  );
  expect(targets).toEqual(SERVERS.map((name) => `${name}:7401`));
});

test("Grafana finds Prometheus, and the dashboard where it is mounted", () => {
  const { datasources } = parse(read("deploy/compose/grafana/datasources.yaml"));
  expect(datasources).toEqual([expect.objectContaining({ type: "prometheus", url: "http://prometheus:9090" })]);
  const { providers } = parse(read("deploy/compose/grafana/dashboards.yaml"));
  const mounted = base.services["grafana"]?.volumes?.find((volume) => volume.startsWith("../grafana:"));
  expect(mounted).toBe(`../grafana:${providers[0].options.path}:ro`);
  expect(base.services["grafana"]?.environment).toMatchObject({
    GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: `${providers[0].options.path}/holdfast.json`,
  });
});
