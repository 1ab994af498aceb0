// Writes what the Helm chart has of others: the schema of its values, the rules of Prometheus and the dashboard of Grafana.
// A test fails when they are not what this would write.
import { readFileSync, writeFileSync } from "node:fs";
import { configSchema } from "../src/server/config/schema.ts";

const DEPLOY = new URL("../deploy/", import.meta.url);

/** What the chart sets itself, or has from Secrets. */
const OF_THE_CHART: ReadonlySet<string> = new Set([
  ...["$schema", "database-url", "data-dir", "grpc-address", "http-address"],
  ...["tls-cert", "tls-key", "tls-client-ca", "master-key-file", "tenants-file"],
]);

interface Property {
  readonly "x-commands"?: readonly string[];
}

const text = { type: "string" };
const flag = { type: "boolean" };
const map = { type: "object" };
const list = { type: "array" };
const texts = { type: "object", additionalProperties: text };
const variables = { ...texts, propertyNames: { pattern: "^[A-Z_][A-Z0-9_]*$" } };

function values(properties: object): object {
  return { type: "object", properties, additionalProperties: false };
}

/** values.schema.json. Of an older draft than the schema of the file, which uses nothing newer, for the sake of older Helms. */
function valuesSchema(): object {
  const settings = Object.entries(configSchema()["properties"] as Record<string, Property>).filter(
    ([name, { "x-commands": commands = [] }]) => !OF_THE_CHART.has(name) && commands.includes("serve"),
  );
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    ...values({
      global: map,
      image: values({
        repository: { type: "string", minLength: 1 },
        tag: text,
        digest: { type: "string", pattern: "^(sha256:[0-9a-f]{64})?$" },
        pullPolicy: { enum: ["Always", "IfNotPresent", "Never"] },
      }),
      imagePullSecrets: list,
      nameOverride: text,
      fullnameOverride: text,
      replicas: { type: "integer", minimum: 0 },
      config: values(Object.fromEntries(settings)),
      secret: values({ name: text, env: variables }),
      tls: values({ secretName: text, clientCaKey: text }),
      masterKey: values({ secretName: text, key: text }),
      tenants: values({ secretName: text, key: text }),
      migrate: values({
        enabled: flag,
        secret: values({ name: text, env: variables }),
        activeDeadlineSeconds: { type: "integer", minimum: 1 },
        resources: map,
      }),
      extraEnv: list,
      service: values({
        type: { enum: ["ClusterIP", "NodePort", "LoadBalancer"] },
        annotations: texts,
        headless: flag,
      }),
      serviceAccountName: text,
      resources: map,
      podDisruptionBudget: values({ enabled: flag, maxUnavailable: { type: ["integer", "string"] } }),
      topologySpreadConstraints: list,
      nodeSelector: texts,
      tolerations: list,
      affinity: map,
      priorityClassName: text,
      podAnnotations: texts,
      podLabels: texts,
      networkPolicy: values({ enabled: flag, from: list, egress: list }),
      serviceMonitor: values({ enabled: flag, interval: text, labels: texts, tlsConfig: map }),
      prometheusRule: values({ enabled: flag, labels: texts }),
      grafanaDashboard: values({ enabled: flag, labels: texts }),
    }),
  };
}

/** By their paths below deploy/. */
export function chartFiles(): Readonly<Record<string, string>> {
  const read = (path: string) => readFileSync(new URL(path, DEPLOY), "utf8");
  return {
    "helm/holdfast/values.schema.json": `${JSON.stringify(valuesSchema(), null, 2)}\n`,
    "helm/holdfast/files/holdfast.rules.yml": read("prometheus/holdfast.rules.yml"),
    "helm/holdfast/files/holdfast.json": read("grafana/holdfast.json"),
  };
}

if (import.meta.main) {
  for (const [path, content] of Object.entries(chartFiles())) writeFileSync(new URL(path, DEPLOY), content);
}
