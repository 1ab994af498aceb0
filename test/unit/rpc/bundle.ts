import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { anyIs, anyUnpack } from "@bufbuild/protobuf/wkt";
import type { Code } from "../../../gen/google/rpc/code_pb.ts";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import {
  type Acquired,
  ClaimIntent,
  ClaimOutcome,
  type ClaimResponse,
  IdempotencyService,
  LeaseExpiryPolicy,
  type LeaseHandle,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { anonymous } from "../../../src/auth/authenticator.ts";
import { addMs } from "../../../src/domain/instant.ts";
import type { Tenant } from "../../../src/domain/tenant.ts";
import { type CallContext, type Endpoint, Malformed } from "../../../src/rpc/endpoint.ts";
import { createEndpoints, type EndpointDeps } from "../../../src/rpc/endpoints.ts";
import { RpcError } from "../../../src/rpc/error.ts";
import type { RpcObserver } from "../../../src/rpc/observer.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import type { Store } from "../../../src/store/store.ts";
import { noTracing } from "../../../src/telemetry/tracing.ts";
import { plainRuntime, type TenantRuntime } from "../../../src/tenants/runtime.ts";
import { createStaticTenants, type StaticTenant } from "../../../src/tenants/static.ts";
import type { Tenants } from "../../../src/tenants/tenants.ts";
import { freshToken, NOW } from "../../support/records.ts";
import { waitAlone } from "../../support/waiting.ts";

export const { method: methods } = IdempotencyService;

export interface Bundle {
  readonly endpoints: readonly Endpoint[];
  readonly observed: Observed;
  readonly store: Store;
  /** Moves the database's clock. */
  pass(ms: number): void;
  /** Calls as a server adapter does, with the messages encoded and decoded on both ways. */
  call<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    request: MessageInitShape<Input>,
    context?: Partial<CallContext>,
  ): Promise<MessageShape<Output>>;
  /** The error that the same call is answered with. */
  failure<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    request: MessageInitShape<Input> | Malformed,
    context?: Partial<CallContext>,
  ): Promise<WireError>;
}

export interface BundleOptions extends Partial<Omit<EndpointDeps, "tenants">> {
  readonly store?: Store;
  readonly tenants?: readonly StaticTenant[] | ((runtime: TenantRuntime) => Tenants);
}

/** The tenant as it is asked for, whatever its id. */
export function oneTenant(tenant: () => Tenant): (runtime: TenantRuntime) => Tenants {
  return (runtime) => ({
    enter: async () => ({ tenant: tenant(), runtime }),
    find: async () => tenant().id,
  });
}

/** Everything of its own: nothing is shared between tests. */
export function bundle({ store: given, tenants, ...others }: BundleOptions = {}): Bundle {
  let now = NOW;
  const observed = new Observed();
  const store = given ?? createMemoryStore({ now: () => now, newToken: freshToken });
  const clock = others.clock ?? { monotonicMs: () => 0, sleep: async () => {}, turn: async () => {} };
  const alone = waitAlone({ store, clock });
  const runtime = plainRuntime(alone);
  const endpoints = createEndpoints({
    waiting: alone.waiting,
    tenants: typeof tenants === "function" ? tenants(runtime) : createStaticTenants(runtime, tenants),
    authenticator: anonymous,
    observer: observed,
    clock,
    admission: () => null,
    newToken: freshToken,
    random: () => 0.5,
    tracing: noTracing,
    ...others,
  });
  const send = async (method: DescMethodUnary, request: Message | Malformed, context: Partial<CallContext>) => {
    const endpoint = endpoints.find((candidate) => candidate.method.localName === method.localName);
    if (endpoint?.kind !== "unary") throw new Error(`no unary endpoint ${method.name}`);
    const arrived = request instanceof Malformed ? request : again(method.input, request);
    return again(method.output, await endpoint.call(arrived, { ...quietContext(), ...context }));
  };
  return {
    endpoints,
    observed,
    store,
    pass: (ms) => {
      now = addMs(now, ms);
    },
    call: async (method, request, context = {}) =>
      (await send(method, create(method.input, request), context)) as MessageShape<typeof method.output>,
    async failure(method, request, context = {}) {
      const message = request instanceof Malformed ? request : create(method.input, request);
      return wireError(await send(method, message, context).catch((thrown: unknown) => thrown));
    },
  };
}

/** What a caller reads of an error. */
export interface WireError {
  readonly code: Code;
  readonly message: string;
  readonly reason: string;
  readonly domain: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly retryMs: number | null;
  readonly thrown: RpcError;
}

export function wireError(thrown: unknown): WireError {
  if (!(thrown instanceof RpcError)) throw new Error("expected an RpcError", { cause: thrown });
  const status = fromBinary(StatusSchema, thrown.status);
  const read = <Desc extends DescMessage>(desc: Desc) => {
    const packed = status.details.find((any) => anyIs(any, desc));
    return packed === undefined ? undefined : anyUnpack(packed, desc);
  };
  const info = read(ErrorInfoSchema);
  const delay = read(RetryInfoSchema)?.retryDelay;
  const violations = read(BadRequestSchema)?.fieldViolations ?? [];
  return {
    code: status.code as Code,
    message: status.message,
    reason: info?.reason ?? "",
    domain: info?.domain ?? "",
    fields: Object.fromEntries(violations.map(({ field, description }) => [field, description])),
    retryMs: delay === undefined ? null : Number(delay.seconds) * 1000 + delay.nanos / 1e6,
    thrown,
  };
}

export interface Handled {
  readonly method: string;
  readonly code: Code;
  readonly cause: unknown;
}

export class Observed implements RpcObserver {
  readonly startedMethods: string[] = [];
  readonly handledCalls: Handled[] = [];
  readonly claims: string[] = [];
  readonly ends: string[] = [];

  started: RpcObserver["started"] = (method) => {
    this.startedMethods.push(method.name);
  };
  handled: RpcObserver["handled"] = (method, code, _seconds, _context, error) => {
    this.handledCalls.push({ method: method.name, code, cause: error?.cause });
  };
  claimed: RpcObserver["claimed"] = (outcome, reason) => {
    this.claims.push(reason === null ? outcome : `${outcome} ${reason}`);
  };
  ended: RpcObserver["ended"] = (kind, alreadyApplied, late) => {
    this.ends.push(`${kind}${alreadyApplied ? " again" : ""}${late ? " late" : ""}`);
  };
}

export function quietContext(): CallContext {
  return {
    requestId: "request-1",
    deadline: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    retiring: new AbortController().signal,
    answered: async () => true,
    metadata: () => undefined,
    certificate: () => null,
    transport: "grpc",
  };
}

export function again<Desc extends DescMessage>(desc: Desc, message: Message): MessageShape<Desc> {
  return fromBinary(desc, toBinary(desc, message as MessageShape<Desc>));
}

export const KEY = { tenant: "", scope: "charge", key: "evt_1" };

let claims = 0;

export type ClaimInit = Extract<MessageInitShape<typeof methods.claim.input>, { readonly $typeName?: never }>;

/** A fresh claim of `KEY`. */
export function claimOf(more: ClaimInit = {}): ClaimInit {
  claims++;
  return { key: KEY, claimId: `claim-${claims}`.padEnd(16, "-"), ...more };
}

/** Claims `KEY`, which must be free. */
export async function acquire(
  { call }: Bundle,
  more: ClaimInit = {},
): Promise<Acquired & { readonly handle: LeaseHandle }> {
  const { detail } = await call(methods.claim, claimOf(more));
  if (detail.case !== "acquired") throw new Error(`expected acquired, not ${detail.case}`);
  const handle = detail.value.lease?.handle;
  if (handle === undefined) throw new Error("a lease without a handle");
  return { ...detail.value, handle };
}

/** The detail of an answer, which must be of the given kind and agree with the outcome. */
export function detailOf<Case extends NonNullable<ClaimResponse["detail"]["case"]>>(
  response: ClaimResponse,
  kind: Case,
) {
  const { detail, outcome } = response;
  if (detail.case !== kind) throw new Error(`expected ${kind}, not ${detail.case}`);
  if (outcome !== OUTCOMES[kind]) throw new Error(`${kind} under the outcome ${outcome}`);
  return detail.value as Extract<ClaimResponse["detail"], { case: Case }>["value"];
}

const OUTCOMES = {
  acquired: ClaimOutcome.ACQUIRED,
  inProgress: ClaimOutcome.IN_PROGRESS,
  completed: ClaimOutcome.COMPLETED,
  failed: ClaimOutcome.FAILED,
  retryScheduled: ClaimOutcome.RETRY_SCHEDULED,
  outcomeUnknown: ClaimOutcome.OUTCOME_UNKNOWN,
  expired: ClaimOutcome.EXPIRED,
} as const;

/** A result that says so. */
export const resultOf = (text: string) => ({ body: { case: "inline" as const, value: Buffer.from(text) } });

export const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

export const HOLD = { policy: { onLeaseExpiry: LeaseExpiryPolicy.HOLD } };

/** The first holder's lease ran out, and another has the record. */
export const takeOver = async (own: Bundle) => {
  const first = await acquire(own);
  own.pass(30_000);
  return { first, second: await acquire(own) };
};

/** An outcome that a reconciler looks into. */
export const reconcile = async (own: Bundle) => {
  const suspect = await acquire(own, HOLD);
  own.pass(31_000);
  const reconciler = await acquire(own, { intent: ClaimIntent.RECONCILE });
  return { suspect, reconciler };
};
