import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CATALOG } from "../../../src/telemetry/catalog.ts";
import type { MetricSpec } from "../../../src/telemetry/metric-spec.ts";
import {
  dashboardQueries,
  readDashboard,
  readInhibitions,
  readRuleCases,
  readRules,
} from "../../support/observability.ts";
import { mentioned, metricOf } from "../../support/promql.ts";

const METRICS = new Map<string, MetricSpec>(CATALOG.flatMap(({ metrics }) => metrics.map((one) => [one.name, one])));
/** Prometheus' own. */
const FOREIGN = new Set(["up", "ALERTS"]);
/** What a scrape adds, and what a histogram or an alert has. */
const ADDED = new Set(["job", "instance", "le", "alertname", "alertstate"]);

// biome-ignore lint/suspicious/noTemplateCurlyInString: as Grafana writes a variable.
const CHOSEN_SOURCE = "${datasource}";

const { alerts, recordings } = readRules();
const RECORDED = new Set(recordings.map(({ record }) => record));
const RUNBOOK = "https://holdfast.example/docs/operations.md";
const operations = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8");

/** What is wrong with what an expression speaks of; empty if nothing. */
function mistakesIn(expression: string): readonly string[] {
  const { selectors, grouping } = mentioned(expression);
  const known = selectors.map(({ metric }) => METRICS.get(metric) ?? METRICS.get(metricOf(metric)));
  const mistakes = selectors.flatMap(({ metric, labels }, i) => {
    const spec = known[i];
    if (FOREIGN.has(metric) || RECORDED.has(metric)) return [];
    if (spec === undefined) return [`no metric ${metric}`];
    if (spec.kind === "histogram" && metric === spec.name) return [`${metric} is a histogram`];
    return [...labels].flatMap(([label, value]) => labelMistakes(spec, label, value));
  });
  const groups = [...grouping].filter(
    (label) =>
      !ADDED.has(label) &&
      !selectors.some(({ metric }, i) => RECORDED.has(metric) || label in (known[i]?.labels ?? {})),
  );
  return [...mistakes, ...groups.map((label) => `nothing has a label ${label}`)];
}

function labelMistakes({ name, labels }: MetricSpec, label: string, value: string): readonly string[] {
  if (ADDED.has(label)) return [];
  const allowed = labels[label];
  if (allowed === undefined) return [`${name} has no label ${label}`];
  if (typeof allowed === "string") return [];
  const missing = value.split("|").filter((one) => !allowed.some((known) => new RegExp(`^(?:${one})$`).test(known)));
  return missing.map((one) => `${label} of ${name} is never ${one}`);
}

test.each([
  ["holdfast_redy", "no metric holdfast_redy"],
  ["sum(rate(holdfast_wakeup_seconds[5m]))", "holdfast_wakeup_seconds is a histogram"],
  ['holdfast_claims_total{result="acquired"}', "holdfast_claims_total has no label result"],
  ['holdfast_claims_total{outcome=~"acquired|aquired"}', "outcome of holdfast_claims_total is never aquired"],
  ["sum by (job, reason) (holdfast_claims_total)", "nothing has a label reason"],
])("a mistake is found: %s", (expression, mistake) => {
  expect(mistakesIn(expression)).toEqual([mistake]);
});

describe("the rules", () => {
  test.each([
    ...alerts.map(({ alert, expr }) => [alert, expr]),
    ...recordings.map(({ record, expr }) => [record, expr]),
  ])("%s speaks of metrics, labels and values that there are", (_, expr = "") => {
    expect(mistakesIn(expr)).toEqual([]);
  });

  test("do not use what they do not record, and record nothing that nobody uses", () => {
    const used = [...alerts.map(({ expr }) => expr), ...dashboardQueries().map(({ expr }) => expr)].flatMap((expr) =>
      mentioned(expr)
        .selectors.map(({ metric }) => metric)
        .filter((metric) => metric.includes(":")),
    );
    expect([...RECORDED].filter((name) => !used.includes(name))).toEqual([]);
  });
});

describe("an alert", () => {
  test("has a name that no other has", () => {
    const names = alerts.map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^Holdfast[A-Z][A-Za-z]+$/.test(name))).toEqual([]);
  });

  test.each(alerts)("$alert has a severity, says what it means, and leads to its section of the runbook", (rule) => {
    const { alert, labels, annotations, for: after } = rule;
    expect(["warning", "critical"]).toContain(labels["severity"]);
    expect(after).toMatch(/^\d+[mh]$/);
    expect(annotations["summary"]).toMatch(/^[A-Z].*\.$/);
    expect(annotations["description"]).toMatch(/\.$/);
    expect(annotations["runbook_url"]).toBe(`${RUNBOOK}#${alert.toLowerCase()}`);
    expect(operations.split("\n")).toContain(`### ${alert}`);
  });

  test.each(alerts)("$alert has a case in which it fires and one in which it is silent", ({ alert, labels }) => {
    const cases = readRuleCases().filter((one) => one.alert === alert);
    expect(cases.some(({ firing }) => firing.length === 0)).toBe(true);
    const fired = cases.flatMap(({ firing }) => firing);
    expect(fired.length).toBeGreaterThan(0);
    for (const one of fired) expect(one).toContain(`severity="${labels["severity"]}"`);
  });
});

describe("deploy/prometheus/alertmanager.yml", () => {
  const inhibitions = readInhibitions();

  /** What a list of matchers takes; by the names of alerts alone. */
  const taken = (matchers: readonly string[]) =>
    alerts
      .map(({ alert }) => alert)
      .filter((alert) =>
        matchers.every((matcher) => {
          const [, name, operator, value] = /^(\w+)(=~|!=|=)"(.*)"$/.exec(matcher) ?? [];
          if (name !== "alertname") return true;
          return new RegExp(`^(?:${value})$`).test(alert) === (operator !== "!=");
        }),
      );

  test("names alerts that there are", () => {
    const named = inhibitions
      .flatMap(({ source_matchers: from, target_matchers: to }) => [...from, ...to])
      .flatMap((matcher) => matcher.match(/Holdfast[A-Z]\w+/g) ?? []);
    expect(named.filter((name) => !alerts.some(({ alert }) => alert === name))).toEqual([]);
    for (const { source_matchers: from } of inhibitions) expect(taken(from)).toHaveLength(1);
  });

  test("silences nothing by itself, and nothing critical but by what is critical too", () => {
    const severity = new Map(alerts.map(({ alert, labels }) => [alert, labels["severity"]]));
    for (const { source_matchers: from, target_matchers: to } of inhibitions) {
      const [source = ""] = taken(from);
      const targets = taken(to);
      expect(targets).not.toContain(source);
      const graver = targets.filter((one) => severity.get(one) === "critical" && severity.get(source) !== "critical");
      expect(graver, source).toEqual([]);
    }
  });
});

describe("docs/operations.md", () => {
  test("has a section for each alert that says what it means, where to look and what to do", () => {
    for (const { alert } of alerts) {
      const section = operations.split(`### ${alert}\n`)[1]?.split(/\n##+ /)[0] ?? "";
      for (const part of ["**Means.**", "**Look.**", "**Do.**"]) expect(section, alert).toContain(part);
    }
  });

  test("has none for alerts that there are not", () => {
    const sections = [...operations.matchAll(/^### (Holdfast\w+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(alerts.map(({ alert }) => alert));
  });

  test("names metrics that there are", () => {
    const named = [...operations.matchAll(/`((?:holdfast|grpc_server|nodejs|process)_\w+)/g)].map(
      ([, name = ""]) => name,
    );
    expect(named.filter((name) => !METRICS.has(metricOf(name)) && !METRICS.has(name))).toEqual([]);
  });
});

describe("the dashboard", () => {
  test.each(dashboardQueries())("$panel asks for what there is: $expr", ({ expr }) => {
    expect(mistakesIn(expr)).toEqual([]);
  });

  test("says of each panel what it shows", () => {
    const silent = readDashboard().panels.filter(
      ({ type, description = "" }) => type !== "row" && !description.endsWith("."),
    );
    expect(silent.map(({ title }) => title)).toEqual([]);
  });

  test("asks the data source, the job and the servers that are chosen", () => {
    const { panels, templating } = readDashboard();
    expect(templating.list.map(({ name }) => name)).toEqual(["datasource", "job", "instance"]);
    for (const { targets = [] } of panels) {
      for (const { expr, datasource } of targets) {
        expect(datasource.uid).toBe(CHOSEN_SOURCE);
        for (const { metric, labels } of mentioned(expr).selectors) {
          if (!FOREIGN.has(metric)) expect(labels.get("job"), expr).toBe("$job");
        }
      }
    }
  });

  test("leads to sections of the runbook that there are", () => {
    const { links, panels } = readDashboard();
    const led = [...links, ...panels.flatMap((panel) => panel.links ?? [])].map(({ url }) => url);
    expect(led).toContain(RUNBOOK);
    const headings = [...operations.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
      title.toLowerCase().replaceAll(".", "").replaceAll(" ", "-"),
    );
    const lost = led.filter((url) => url !== RUNBOOK && !headings.includes(url.slice(RUNBOOK.length + 1)));
    expect(lost).toEqual([]);
  });

  test("has a number for each panel that no other has", () => {
    const ids = readDashboard().panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
