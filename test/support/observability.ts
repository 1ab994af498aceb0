import { readFileSync } from "node:fs";
import { parse } from "yaml";

export const RULES_FILE = new URL("../../deploy/prometheus/holdfast.rules.yml", import.meta.url);
export const RULE_TESTS_FILE = new URL("../../deploy/prometheus/holdfast.rules.test.yml", import.meta.url);
const ALERTMANAGER_FILE = new URL("../../deploy/prometheus/alertmanager.yml", import.meta.url);
const DASHBOARD_FILE = new URL("../../deploy/grafana/holdfast.json", import.meta.url);

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Recording {
  readonly record: string;
  readonly expr: string;
}

export interface Rules {
  readonly alerts: readonly Alert[];
  readonly recordings: readonly Recording[];
}

/** deploy/prometheus/holdfast.rules.yml. */
export function readRules(): Rules {
  const { groups } = parse(readFileSync(RULES_FILE, "utf8")) as { groups: { rules: (Alert | Recording)[] }[] };
  const all = groups.flatMap(({ rules }) => rules);
  return {
    alerts: all.filter((rule) => "alert" in rule),
    recordings: all.filter((rule) => "record" in rule),
  };
}

/** What promtool is to find of an alert at some time: the labels of those that fire. */
export interface RuleCase {
  readonly alert: string;
  readonly firing: readonly string[];
}

/** deploy/prometheus/holdfast.rules.test.yml, as far as it is about alerts. */
export function readRuleCases(): readonly RuleCase[] {
  const { tests } = parse(readFileSync(RULE_TESTS_FILE, "utf8")) as {
    tests: { name: string; promql_expr_test: { expr: string; exp_samples: { labels: string }[] }[] }[];
  };
  return tests.flatMap(({ name, promql_expr_test: looks }) =>
    looks.map(({ expr, exp_samples: samples }) => {
      const alert = /^ALERTS\{alertname="(\w+)",alertstate="firing"\}$/.exec(expr)?.[1] ?? expr;
      if (alert !== name) throw new Error(`the case ${name} looks for ${alert}`);
      return { alert, firing: samples.map(({ labels }) => labels) };
    }),
  );
}

export interface Inhibition {
  readonly source_matchers: readonly string[];
  readonly target_matchers: readonly string[];
  readonly equal: readonly string[];
}

/** deploy/prometheus/alertmanager.yml: which alerts silence which. */
export function readInhibitions(): readonly Inhibition[] {
  const { inhibit_rules: rules } = parse(readFileSync(ALERTMANAGER_FILE, "utf8")) as { inhibit_rules: Inhibition[] };
  return rules;
}

export interface Link {
  readonly title: string;
  readonly url: string;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly links?: readonly Link[];
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

export interface Dashboard {
  readonly links: readonly Link[];
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

/** deploy/grafana/holdfast.json. */
export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(DASHBOARD_FILE, "utf8")) as Dashboard;
}

/** Its queries, with the panels that they are of. */
export function dashboardQueries(): readonly { readonly panel: string; readonly expr: string }[] {
  return readDashboard().panels.flatMap(({ title: panel, targets = [] }) =>
    targets.map(({ expr }) => ({ panel, expr })),
  );
}
