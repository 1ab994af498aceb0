import type { ApiKeyTable } from "../auth/api-keys.ts";
import type { OperatorAnswer } from "../store/operator-store.ts";
import type { Store } from "../store/store.ts";
import type { TenantTable } from "../tenants/table.ts";
import type { CounterSpec } from "./metric-spec.ts";
import type { Metrics } from "./metrics.ts";

/** What operators change, and how. */
const CHANGES = [
  ["tenant", "register"],
  ["tenant", "update"],
  ["tenant", "drain"],
  ["tenant", "resume"],
  ["tenant", "unregister"],
  ["api-key", "create"],
  ["api-key", "revoke"],
  ["record", "release"],
  ["record", "resolve"],
  ["record", "reset"],
  ["record", "purge"],
] as const;

type Change = (typeof CHANGES)[number];

export const OPERATOR_CHANGES = {
  kind: "counter",
  name: "holdfast_operator_changes_total",
  unit: "changes",
  help: "Changes that operators made through this server, by what they changed and how; of a purge, the records.",
  advice: "Each is a line of the audit log, with who made it and why: `holdfast audit`.",
  labels: { subject: ["tenant", "api-key", "record"], action: [...new Set(CHANGES.map(([, action]) => action))] },
  series: CHANGES,
} as const satisfies CounterSpec;

/** Adds to the count of a change. */
export type CountChange = (change: Change, times?: number) => void;

export function createChangeCounter(metrics: Metrics): CountChange {
  const changes = metrics.counter(OPERATOR_CHANGES);
  return (change, times = 1) => {
    changes(...change).value += times;
  };
}

/** Counts what was changed; a repetition that changes nothing any more counts again, as it is logged again. */
export function countTenantChanges(table: TenantTable, count: CountChange): TenantTable {
  return {
    ...table,
    async register(...given) {
      const stored = await table.register(...given);
      count(["tenant", "register"]);
      return stored;
    },
    async update(...given) {
      const stored = await table.update(...given);
      if (stored !== null) count(["tenant", "update"]);
      return stored;
    },
    async unregister(...given) {
      const wasThere = await table.unregister(...given);
      if (wasThere) count(["tenant", "unregister"]);
      return wasThere;
    },
    async drain(...given) {
      const stored = await table.drain(...given);
      const [, draining] = given;
      if (stored !== null) count(["tenant", draining ? "drain" : "resume"]);
      return stored;
    },
  };
}

/** The same of API keys. */
export function countApiKeyChanges(table: ApiKeyTable, count: CountChange): ApiKeyTable {
  return {
    ...table,
    async create(...given) {
      const key = await table.create(...given);
      count(["api-key", "create"]);
      return key;
    },
    async revoke(...given) {
      const key = await table.revoke(...given);
      if (key !== null) count(["api-key", "revoke"]);
      return key;
    },
  };
}

/** The same of records. */
export function countRecordChanges(store: Store, count: CountChange): Store {
  const counted = async (action: "release" | "resolve" | "reset", answer: Promise<OperatorAnswer>) => {
    const { kind } = await answer;
    if (kind === "changed-record") count(["record", action]);
    return answer;
  };
  return {
    ...store,
    release: (...given) => counted("release", store.release(...given)),
    resolve: (...given) => counted("resolve", store.resolve(...given)),
    reset: (...given) => counted("reset", store.reset(...given)),
    async purge(...given) {
      const purged = await store.purge(...given);
      count(["record", "purge"], purged.keys.length);
      return purged;
    },
  };
}
