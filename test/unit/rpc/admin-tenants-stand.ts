import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { AdminService, type Tenant, type TenantRegistration } from "../../../gen/holdfast/v1/admin_pb.ts";
import type { Principal, Role } from "../../../src/auth/authenticator.ts";
import type { Clock } from "../../../src/clock.ts";
import { Fault, type FaultCode } from "../../../src/domain/fault.ts";
import { addMs } from "../../../src/domain/instant.ts";
import type { TenantRegistration as Registration, Verdict } from "../../../src/domain/registration.ts";
import { createCallerLimit } from "../../../src/operations/admin/caller-limit.ts";
import type { DeclarationTerms } from "../../../src/operations/admin/tenants/declaration.ts";
import { createTenantEndpoints } from "../../../src/rpc/admin/tenant-endpoints.ts";
import type { Endpoint } from "../../../src/rpc/endpoint.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { noTracing } from "../../../src/telemetry/tracing.ts";
import { plainRuntime } from "../../../src/tenants/runtime.ts";
import { createTenantService, type TenantService } from "../../../src/tenants/service.ts";
import type { TenantTable } from "../../../src/tenants/table.ts";
import { freshToken, NOW } from "../../support/records.ts";
import { createMemoryTenantTable, type MemoryTenantTable } from "../../support/tenant-table.ts";
import { waitAlone } from "../../support/waiting.ts";
import { createManualClock, type ManualClock } from "../store/manual-clock.ts";
import { again, Observed, quietContext, type WireError, wireError } from "./bundle.ts";

export const { method: admin } = AdminService;

export const TERMS: DeclarationTerms = {
  placements: ["main", "eu"],
  hasMasterKey: false,
  reach: { loopback: false, private: false, ports: [] },
};

const ROOT: Principal = {
  tenant: null,
  roles: new Set<Role>(["admin"]),
  authenticated: true,
  name: "api-key:root",
};

export function principalOf(principal: Partial<Principal>): Principal {
  return { ...ROOT, ...principal };
}

export interface StandOptions {
  /** By default the manual one. */
  readonly clock?: Clock;
  readonly terms?: Partial<DeclarationTerms>;
  /** Stands between the operations and the table. */
  readonly through?: (table: TenantTable) => TenantTable;
  /** Why this server can build no tenant. */
  readonly unbuildable?: Fault;
}

export interface Stand {
  readonly endpoints: readonly Endpoint[];
  readonly table: MemoryTenantTable;
  readonly clock: ManualClock;
  readonly tenants: TenantService;
  readonly observed: Observed;
  /** What the validator was asked about. */
  readonly asked: readonly Registration[];
  /** What failed behind a call that was answered. */
  readonly errors: readonly unknown[];
  /** What the validator says from now on; it accepts by default. */
  answer(say: (registration: Registration, signal: AbortSignal) => Promise<Verdict>): void;
  /** Nobody is let in any more, for this reason. */
  refuse(code: FaultCode): void;
  /** Moves the database's clock. */
  pass(ms: number): void;
  call<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    request: MessageInitShape<Input>,
    principal?: Principal,
  ): Promise<MessageShape<Output>>;
  failure<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    request: MessageInitShape<Input>,
    principal?: Principal,
  ): Promise<WireError>;
}

/** AdminService over the tenants of one server, with a table in memory. */
export function stand({ terms, through = (table) => table, unbuildable, ...given }: StandOptions = {}): Stand {
  let now = NOW;
  let principal = ROOT;
  let refused: FaultCode | null = null;
  let say: Parameters<Stand["answer"]>[0] = async () => ({ kind: "accepted" });
  const asked: Registration[] = [];
  const errors: unknown[] = [];
  const clock = createManualClock();
  const observed = new Observed();
  const table = createMemoryTenantTable(() => now);
  const validate = async (registration: Registration, signal: AbortSignal) => {
    asked.push(registration);
    return say(registration, signal);
  };
  const runtime = plainRuntime(
    waitAlone({ store: createMemoryStore({ now: () => now, newToken: freshToken }), clock }),
  );
  const tenants = createTenantService({
    ...{ table, clock, validate, now: () => now, random: () => 0.5 },
    feed: { subscribe: () => () => undefined, started: Promise.resolve() },
    async build() {
      if (unbuildable !== undefined) throw unbuildable;
      return runtime;
    },
    dispose() {},
    observer: { built() {}, transition() {}, undecided() {}, failed() {} },
  });
  const endpoints = createTenantEndpoints({
    ...{ tenants, validate, observer: observed, random: () => 0.5 },
    clock: given.clock ?? clock,
    table: through(table),
    limited: createCallerLimit(),
    terms: { ...TERMS, ...terms },
    tracing: noTracing,
    authenticator: {
      async authenticate() {
        if (refused !== null) throw new Fault(refused, "the credential is not valid");
        return principal;
      },
    },
    onError: (error) => void errors.push(error),
  });

  const call: Stand["call"] = async (method, request, as = ROOT) => {
    const endpoint = endpoints.find((candidate) => candidate.method.localName === method.localName);
    if (endpoint?.kind !== "unary") throw new Error(`no unary endpoint ${method.name}`);
    principal = as;
    const arrived = again(method.input, create(method.input, request));
    return again(method.output, await endpoint.call(arrived, quietContext()));
  };
  return {
    ...{ endpoints, table, clock, tenants, observed, asked, errors, call },
    refuse(code) {
      refused = code;
    },
    answer(next) {
      say = next;
    },
    pass(ms) {
      now = addMs(now, ms);
    },
    failure: async (method, request, as) =>
      wireError(await call(method, request, as).catch((thrown: unknown) => thrown)),
  };
}

type Init = MessageInitShape<typeof admin.registerTenant.input>;
export type RegistrationInit = Extract<NonNullable<Init["registration"]>, { readonly $typeName?: never }>;

export const VALIDATED: RegistrationInit = {
  tenantId: "acme",
  validator: { kind: { case: "httpUrl", value: "https://acme.example/holdfast" } },
};

/** Registers, and answers with the tenant as it stands. */
export async function register(own: Stand, registration: RegistrationInit = {}, more: Omit<Init, "registration"> = {}) {
  const whole = { tenantId: "acme", ...registration };
  return present((await own.call(admin.registerTenant, { ...more, registration: whole } as Init)).tenant);
}

export function present(tenant: Tenant | undefined): Tenant & { readonly registration: TenantRegistration } {
  if (tenant?.registration === undefined) throw new Error("an answer without a tenant");
  return { ...tenant, registration: tenant.registration };
}
