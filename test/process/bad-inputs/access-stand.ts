import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type pg from "pg";
import { expect } from "vitest";
import {
  AdminService,
  Role,
  type Tenant,
  type TenantRegistration,
  type TenantRegistrationSchema,
} from "../../../gen/holdfast/v1/admin_pb.ts";
import { holdfast } from "../server.ts";
import type { Answer } from "./answer.ts";
import { CANARY, call, expectRefusal, lives, type Refusal, type Stand, useStand } from "./stand.ts";
import { encode, type Method, type Wire, type WireName } from "./wires.ts";

const { createApiKey, registerTenant } = AdminService.method;

export const WORK: readonly Role[] = [Role.CLAIM, Role.READ];
export const EVERYTHING: readonly Role[] = [...WORK, Role.OPERATE, Role.ADMIN];

export const CREDENTIALS_INVALID: Refusal = { code: "UNAUTHENTICATED", reason: "CREDENTIALS_INVALID" };
export const TENANT_FORBIDDEN: Refusal = { code: "PERMISSION_DENIED", reason: "TENANT_FORBIDDEN" };
export const ROLE_REQUIRED: Refusal = { code: "PERMISSION_DENIED", reason: "ROLE_REQUIRED" };

export type Registration = Exclude<MessageInitShape<typeof TenantRegistrationSchema>, TenantRegistration>;

export interface NewKey {
  readonly id: string;
  readonly secret: string;
}

/** What a server with authentication has beyond one without. Its connections carry a worker's key by themselves. */
export interface Access {
  /** An API key of every tenant, for operating and administering. */
  readonly admin: string;
  /** An API key of the tenant `default`, with every role. */
  readonly worker: string;
  /** Calls as the administrator of all. */
  ask<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    init: MessageInitShape<I>,
  ): Promise<MessageShape<O>>;
  register(registration: Registration): Promise<Tenant>;
  /** Of a tenant; the empty one: of every tenant. */
  newKey(tenantId: string, roles?: readonly Role[]): Promise<NewKey>;
}

/** For the whole file, whose last test must be `livesOn`. */
export function useAccessStand(args: readonly string[] | (() => readonly string[]) = []): {
  readonly stand: Stand;
  readonly access: Access;
} {
  let made: Access | undefined;
  const all = () => ["--auth", "api-key,jwt", ...(typeof args === "function" ? args() : args)];
  const stand = useStand(all, async (bare) => {
    made = await openAccess(bare);
    const { worker } = made;
    const wires = Object.entries(bare.wires).map(([name, wire]) => [name, as(wire, worker)]);
    return { ...bare, wires: Object.fromEntries(wires) as Record<WireName, Wire> };
  });
  const get = (): Access => {
    if (made === undefined) throw new Error("access is there from beforeAll on");
    return made;
  };
  const access: Access = {
    get admin() {
      return get().admin;
    },
    get worker() {
      return get().worker;
    },
    ask: (method, init) => get().ask(method, init),
    register: (registration) => get().register(registration),
    newKey: (tenantId, roles) => get().newKey(tenantId, roles),
  };
  return { stand, access };
}

async function openAccess({ database, wires }: Stand): Promise<Access> {
  const made = await holdfast(["admin", "bootstrap", "--database-url", database.url]);
  if (made.code !== 0) throw new Error(made.stderr);
  const admin = made.stdout.trimEnd();
  const wire = as(wires.gRPC, admin);
  const ask: Access["ask"] = (method, init) => call(wire, method, init);
  const newKey: Access["newKey"] = async (tenantId, roles = WORK) => {
    const { apiKey, secret } = await ask(createApiKey, { tenantId, roles: [...roles] });
    return { id: apiKey?.keyId ?? "", secret };
  };
  const register: Access["register"] = async (registration) => {
    const { tenant } = await ask(registerTenant, { registration, awaitFirstValidation: true });
    if (tenant === undefined) throw new Error("a registration without a tenant");
    return tenant;
  };
  return { admin, worker: (await newKey("default", EVERYTHING)).secret, ask, newKey, register };
}

interface Authorized extends Wire {
  /** The same connection, without a credential. */
  readonly bare: Wire;
}

/** The same connection with another credential; null: with none. A call's own header wins. */
export function as(given: Wire | Authorized, token: string | null): Authorized {
  const wire = "bare" in given ? given.bare : given;
  return {
    ...wire,
    bare: wire,
    send(method, message, { authorization, ...headers } = {}) {
      const said = authorization ?? (token === null ? undefined : `Bearer ${token}`);
      return wire.send(method, message, said === undefined ? headers : { ...headers, authorization: said });
    },
  };
}

/** What a refusal says, to be compared with another's. */
export function said({ code, message, details }: Answer): string {
  const bytes = [...details].map(([name, value]) => [name, Buffer.from(value).toString("hex")]);
  return JSON.stringify({ code, message, details: bytes });
}

/** Sends without its usual credential and expects this refusal; nothing was written, and the connection serves. */
export async function refusesAs<I extends DescMessage, O extends DescMessage>(
  { sql, wires }: Stand,
  name: WireName,
  token: string | null,
  method: Method<I, O>,
  init: MessageInitShape<I>,
  refusal: Refusal,
  authorization?: string,
): Promise<Answer> {
  const wire = wires[name];
  const before = await countRows(sql);
  const headers = authorization === undefined ? {} : { authorization };
  const answer = await sendAs(wire, token, method, init, headers);
  expectRefusal(answer, refusal);
  expect(await countRows(sql)).toBe(before);
  await lives(wire);
  return answer;
}

function sendAs<I extends DescMessage, O extends DescMessage>(
  wire: Wire,
  token: string | null,
  method: Method<I, O>,
  init: MessageInitShape<I>,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  return as(wire, token).send(method as unknown as Method, encode(wire, method, init), headers);
}

const TABLES = ["record", "tenant", "tenant_host", "tenant_issuer", "tenant_key", "api_key", "audit"] as const;

/** Of every table that a call can write to. */
export async function countRows(sql: pg.Client): Promise<string> {
  const counts = TABLES.map((table) => `(select count(*) from holdfast.${table}) as ${table}`);
  const { rows } = await sql.query(`select ${counts.join(", ")}`);
  return JSON.stringify(rows[0]);
}

/** A name that no test has used. The log tells of tenants by their names. */
export function newTenantId(word = "tenant"): string {
  return `${word}-${crypto.randomUUID().slice(0, 13)}`;
}

/** Of a tenant that there is not: nothing may tell of it. */
export function unknownTenantId(): string {
  return newTenantId(CANARY);
}
