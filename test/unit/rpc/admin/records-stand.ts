import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { AdminService } from "../../../../gen/holdfast/v1/admin_pb.ts";
import { ClaimIntent, FailKind } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import type { Principal, Role } from "../../../../src/auth/authenticator.ts";
import { plainTenant, type Tenant } from "../../../../src/domain/tenant.ts";
import { createCallerLimit } from "../../../../src/operations/admin/caller-limit.ts";
import { createRecordEndpoints } from "../../../../src/rpc/admin/record-endpoints.ts";
import type { Store } from "../../../../src/store/store.ts";
import type { RecordChange, RecordPurge } from "../../../../src/telemetry/change-log.ts";
import { noTracing } from "../../../../src/telemetry/tracing.ts";
import { plainRuntime } from "../../../../src/tenants/runtime.ts";
import { waitAlone } from "../../../support/waiting.ts";
import { createManualClock, type ManualClock } from "../../store/manual-clock.ts";
import {
  acquire,
  again,
  type Bundle,
  bundle,
  type ClaimInit,
  claimOf,
  HOLD,
  KEY,
  methods,
  Observed,
  quietContext,
  resultOf,
  type WireError,
  wireError,
} from "../bundle.ts";

export const { method: admin } = AdminService;

export const roles = (...named: Role[]): ReadonlySet<Role> => new Set(named);

export const OPERATOR: Principal = {
  tenant: null,
  roles: roles("operate", "read"),
  authenticated: true,
  name: "api-key:operator",
};

export const REASON = "the worker is gone";

export interface RecordStandOptions {
  /** Every tenant that there is; `default` and `acme` by themselves. */
  readonly tenants?: readonly Tenant[];
  /** Stands between the operations and the store. */
  readonly through?: (store: Store) => Store;
  /** Who calls over the wire; `OPERATOR` unless said. */
  readonly principal?: Principal;
  /** This server can build no tenant. */
  readonly unbuilt?: boolean;
}

/** AdminService's calls about records beside IdempotencyService's, over one store in memory. */
export interface RecordStand extends Bundle {
  readonly clock: ManualClock;
  readonly changes: readonly RecordChange[];
  readonly purges: readonly RecordPurge[];
  /** Those of IdempotencyService over the same store. */
  readonly callEndpoints: Bundle["endpoints"];
  /** How often somebody was looked up. */
  readonly lookups: readonly string[];
  ask<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    request: MessageInitShape<Input>,
    principal?: Principal,
    deadline?: number,
  ): Promise<MessageShape<Output>>;
  refusal<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    request: MessageInitShape<Input>,
    principal?: Principal,
  ): Promise<WireError>;
}

export function recordStand(options: RecordStandOptions = {}): RecordStand {
  const { tenants = [plainTenant("default"), plainTenant("acme")], through = (store) => store } = options;
  let principal = options.principal ?? OPERATOR;
  const changes: RecordChange[] = [];
  const purges: RecordPurge[] = [];
  const lookups: string[] = [];
  const clock = createManualClock();
  const own = bundle({ clock, tenants: tenants.map((tenant) => ({ tenant })) });
  const runtime = plainRuntime(waitAlone({ store: through(own.store), clock }));
  const endpoints = createRecordEndpoints({
    tenants: {
      async enter(id) {
        lookups.push(id);
        const tenant = tenants.find((candidate) => candidate.id === id);
        return tenant === undefined ? null : { tenant, runtime: options.unbuilt ? null : runtime };
      },
    },
    authenticator: { authenticate: async () => principal },
    observer: new Observed(),
    tracing: noTracing,
    random: () => 0.5,
    limited: createCallerLimit(),
    recordChanges: { changed: (change) => void changes.push(change), purged: (purge) => void purges.push(purge) },
    clock,
  });
  const ask: RecordStand["ask"] = async (method, request, as = OPERATOR, deadline = Number.POSITIVE_INFINITY) => {
    const endpoint = endpoints.find((candidate) => candidate.method.localName === method.localName);
    if (endpoint?.kind !== "unary") throw new Error(`no unary endpoint ${method.name}`);
    principal = as;
    const arrived = again(method.input, create(method.input, request));
    return again(method.output, await endpoint.call(arrived, { ...quietContext(), deadline }));
  };
  return {
    ...{ ...own, clock, changes, purges, lookups, ask },
    endpoints,
    callEndpoints: own.endpoints,
    refusal: async (method, request, as) =>
      wireError(await ask(method, request, as).catch((thrown: unknown) => thrown)),
  };
}

/** A record of `scope` and this key, in each of the states, by the calls that lead there. */
export const MADE = {
  held: (own: Bundle, more: ClaimInit = {}) => acquire(own, more),
  lapsed: async (own: Bundle, more: ClaimInit = {}) => {
    await acquire(own, more);
    own.pass(30_000 + 60_000);
  },
  available: async (own: Bundle, more: ClaimInit = {}) => {
    const { handle } = await acquire(own, more);
    await own.call(methods.fail, { handle, kind: FailKind.RETRYABLE, error: { code: 14, message: "not now" } });
  },
  completed: async (own: Bundle, more: ClaimInit = {}) => {
    const { handle } = await acquire(own, more);
    await own.call(methods.complete, { handle, result: resultOf("done") });
  },
  failed: async (own: Bundle, more: ClaimInit = {}) => {
    const { handle } = await acquire(own, more);
    await own.call(methods.fail, { handle, kind: FailKind.TERMINAL, error: { code: 3, message: "no such card" } });
  },
  unknown: async (own: Bundle, more: ClaimInit = {}) => {
    const { handle } = await acquire(own, { ...HOLD, ...more });
    await own.call(methods.fail, { handle, kind: FailKind.OUTCOME_UNKNOWN, error: { code: 4, message: "no answer" } });
  },
  reconciling: async (own: Bundle, more: ClaimInit = {}) => {
    await MADE.unknown(own, more);
    await own.call(methods.claim, claimOf({ ...more, intent: ClaimIntent.RECONCILE }));
  },
  expired: async (own: Bundle, more: ClaimInit = {}) => {
    await MADE.completed(own, more);
    own.pass(24 * 60 * 60_000);
  },
} as const;

export type Made = keyof typeof MADE;

export const keyed = (key: string, scope = KEY.scope) => ({ key: { ...KEY, scope, key } });

/** The record under `KEY` as it is. */
export const fenceOf = async ({ call }: Bundle): Promise<bigint> =>
  (await call(methods.getRecord, { key: KEY })).record?.fence ?? 0n;

export const keysOf = (records: readonly { readonly key?: { readonly key: string } | undefined }[]) =>
  records.map(({ key }) => key?.key);

/** The keys of a list, page by page until the last. */
export async function walk(own: RecordStand, filters: object) {
  const pages: (string | undefined)[][] = [];
  let pageToken = "";
  do {
    const page = await own.ask(admin.listRecords, { ...filters, pageToken });
    pages.push(keysOf(page.records));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return pages;
}
