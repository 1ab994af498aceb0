import type { KeySetFetch } from "../auth/jwt/key-sets.ts";
import type { KeySetObserver } from "../auth/jwt/trust.ts";
import type { CounterSpec } from "./metric-spec.ts";
import type { Metrics } from "./metrics.ts";
import { createWarning, type WarningDeps } from "./warning.ts";

export interface KeySetMetricsDeps extends WarningDeps {
  readonly metrics: Metrics;
}

const RESULTS = ["fetched", "refused", "failed"] as const satisfies readonly KeySetFetch["kind"][];

export const KEY_SET_FETCHES = {
  kind: "counter",
  name: "holdfast_key_set_fetches_total",
  unit: "fetches",
  help: "Fetches of issuers' keys, by result; refused: the address may not be asked, or there are no usable keys.",
  advice: "configured is the issuer of `--jwt-issuer`: while its keys cannot be fetched, new keys of it let nobody in.",
  labels: { issuer: ["configured", "registered"], result: RESULTS },
} as const satisfies CounterSpec;

/**
 * Whether the keys of issuers can be fetched. To their callers, tokens without keys are like bad ones: only this tells
 * an outage from them. The server's own issuer has a warning of its own, so that tenants' cannot drown it.
 */
export function createKeySetMetrics({ metrics, ...deps }: KeySetMetricsDeps): KeySetObserver {
  const fetches = metrics.counter(KEY_SET_FETCHES);
  const warnings = {
    configured: createWarning(deps, "the keys of the server's issuer of tokens could not be fetched"),
    registered: createWarning(deps, "the keys of an issuer that a tenant registered could not be fetched"),
  };
  return {
    fetched(whose, issuer, fetch) {
      fetches(whose, fetch.kind).value++;
      if (fetch.kind === "fetched") return;
      const { kind: result, reason } = fetch;
      const error = fetch.kind === "failed" && fetch.error !== undefined ? { error: fetch.error } : {};
      warnings[whose]({ issuer: withoutSecrets(issuer), result, reason, ...error });
    },
  };
}

/** Most issuers are URLs, and a URL can hold a password or a token. One that holds none is told as it is. */
function withoutSecrets(issuer: string): string {
  if (!URL.canParse(issuer)) return issuer;
  const { protocol, username, password, host, pathname, search, hash } = new URL(issuer);
  if (username + password + search + hash === "") return issuer;
  return `${protocol}${host === "" ? "" : "//"}${host}${pathname}`;
}
