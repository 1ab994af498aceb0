import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { DescEnum } from "@bufbuild/protobuf";
import { type Client, ConnectError, createClient } from "@connectrpc/connect";
import { expect } from "vitest";
import { ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { AdminService, type Tenant, TenantRuntimeSchema } from "../../../gen/holdfast/v1/admin_pb.ts";
import { type ClaimResponse, IdempotencyService, type LeaseHandle } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { AdmissionSchema, TenantHealthSchema } from "../../../gen/holdfast/v1/tenant_pb.ts";
import { createGrpcTransport } from "../../../src/client/grpc-transport.ts";
import { createTestDatabase } from "../../support/database.ts";
import { startTcpProxy, type TcpProxy, targetOf } from "../../support/tcp-proxy.ts";
import { newClaimId, newKey } from "../callers.ts";
import { type ServerProcess, startServer } from "../server.ts";
import { claimOf, handleOf } from "../waiting-calls.ts";
import { startValidator, type Validator } from "./validator.ts";

/** One server, and those who call it. */
export interface Side {
  readonly server: ServerProcess;
  readonly admin: Client<typeof AdminService>;
  readonly records: Client<typeof IdempotencyService>;
}

/** Servers on one database, and a validator whose answers the test decides. */
export interface Stand extends AsyncDisposable {
  /** Of the database where the tenants are registered. */
  readonly url: string;
  readonly validator: Validator;
  readonly one: Side;
  readonly other: Side;
  /** What leads to the placement eu. */
  readonly eu: TcpProxy;
  /** What the notifications for the second go through. */
  readonly notifications: TcpProxy;
  /** A further server with the placement eu. */
  open(): Promise<Side>;
}

/** @param euIsKnown by the second server as well: by the others it always is */
export async function openStand({ euIsKnown }: { readonly euIsKnown: boolean }): Promise<Stand> {
  await using opening = new AsyncDisposableStack();
  const parts = opening.use(new AsyncDisposableStack());
  const owned = async () => {
    const database = await createTestDatabase();
    parts.defer(() => database.drop());
    return database.url;
  };
  const [url, euUrl] = [await owned(), await owned()];
  const eu = parts.use(await startTcpProxy(targetOf(euUrl)));
  const validator = parts.use(await startValidator());
  const notifications = parts.use(await startTcpProxy(targetOf(url)));
  const open = async (...more: readonly string[]): Promise<Side> => {
    const args = ["--validator-loopback", "--validator-port", `${validator.port}`, ...more];
    const server = parts.use(await startServer({ databaseUrl: url, args }));
    const transport = createGrpcTransport({ addresses: [server.grpc] });
    parts.defer(() => transport.close());
    return {
      server,
      admin: createClient(AdminService, transport),
      records: createClient(IdempotencyService, transport),
    };
  };
  const openPlaced = async (...more: readonly string[]) => {
    const side = await open("--placements", `eu=${eu.url(euUrl)}`, ...more);
    await side.server.logged("the placement is open");
    return side;
  };
  const listening = ["--listen-url", notifications.url(url)];
  const [one, other] = await Promise.all([openPlaced(), euIsKnown ? openPlaced(...listening) : open(...listening)]);
  const opened = opening.move();
  return {
    ...{ url, validator, one, other, notifications, eu },
    open: () => openPlaced(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** How long a change may take to be seen by another server, here, where machines stall. */
export const SEEN_MS_MAX = 20_000;

/** Looks until it is so; what it was last is shown if it never is. */
export async function eventually<T>(look: () => Promise<T>, expected: T): Promise<void> {
  const endMs = performance.now() + SEEN_MS_MAX;
  for (;;) {
    const seen = await look();
    if (isDeepStrictEqual(seen, expected)) return;
    if (performance.now() > endMs) expect(seen).toEqual(expected);
    await sleep(20);
  }
}

/** What a tenant looks like to those who ask a server for it: by its id, for admission, with a claim. */
export async function seenBy({ records }: Side, id: string): Promise<string> {
  const resolved = await records
    .resolveTenant({ selector: { case: "tenantId", value: id } })
    .then(
      ({ health, admission }) => `${wordOf(TenantHealthSchema, health)} ${wordOf(AdmissionSchema, admission)}`,
      reasonOf,
    );
  return `${resolved} ${await told(records.claim(claimOf(keyOf(id))))}`.toLowerCase();
}

/** How it stands in the table, as an operator reads it from a server. */
export function recordedBy(side: Side, id: string): Promise<string> {
  return read(side, id).then(
    ({ health, admission }) =>
      `${wordOf(TenantHealthSchema, health)} ${wordOf(AdmissionSchema, admission)}`.toLowerCase(),
    (error: unknown) => reasonOf(error).toLowerCase(),
  );
}

/** The reason for which its health is as it is, as a server has it. */
export async function healthReason({ records }: Side, id: string): Promise<string> {
  return (await records.resolveTenant({ selector: { case: "tenantId", value: id } })).healthReason;
}

export async function read({ admin }: Side, id: string): Promise<Tenant> {
  const { tenant } = await admin.getTenant({ tenantId: id });
  if (tenant === undefined) throw new Error("no tenant");
  return tenant;
}

export async function runtimeOf(side: Side, id: string): Promise<string> {
  return wordOf(TenantRuntimeSchema, (await read(side, id)).runtime);
}

function wordOf(schema: DescEnum, value: number): string {
  return schema.value[value]?.localName ?? "";
}

/** Whose host it is, or why it is nobody's. */
export function ownerOf({ records }: Side, host: string, path = ""): Promise<string> {
  return records
    .resolveTenant({ selector: { case: "host", value: { host, path } } })
    .then(({ tenantId }) => tenantId, reasonOf);
}

/** What a call was answered, be it an error's reason. */
export function told(call: Promise<ClaimResponse>): Promise<string> {
  return call.then(({ detail }) => String(detail.case), reasonOf);
}

export function reasonOf(error: unknown): string {
  const [info] = ConnectError.from(error).findDetails(ErrorInfoSchema);
  if (info === undefined) throw error;
  return info.reason;
}

/** "done", or why not. */
export function outcomeOf(call: Promise<unknown>): Promise<string> {
  return call.then(() => "done", reasonOf);
}

export const keyOf = (tenant: string) => ({ tenant, ...newKey() });

/** What a tenant had under way before something became of it. */
export interface Work {
  /** One lease for each server to go on with. */
  readonly held: readonly Held[];
  readonly ended: ReturnType<typeof keyOf>;
}

interface Held {
  readonly key: ReturnType<typeof keyOf>;
  readonly claimId: string;
  readonly handle: LeaseHandle;
}

const NOTHING = { body: { case: "omittedReason" as const, value: "" } };

export async function beginWork({ records }: Side, tenant: string): Promise<Work> {
  const hold = async (): Promise<Held> => {
    const [key, claimId] = [keyOf(tenant), newClaimId()];
    return { key, claimId, handle: handleOf(await records.claim(claimOf(key, { claimId }))) };
  };
  const [first, second, last] = [await hold(), await hold(), await hold()];
  await records.complete({ handle: last.handle, result: NOTHING });
  return { held: [first, second], ended: last.key };
}

/** Everything that acquires nothing new, through each server: how the calls were answered. */
export async function goOn(sides: readonly Side[], { held, ended }: Work): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const [i, { records }] of sides.entries()) {
    const lease = held[i];
    if (lease === undefined) throw new Error("bug: a server without a lease");
    const { key, claimId, handle } = lease;
    answers.push(await outcomeOf(records.heartbeat({ handle })));
    answers.push(await told(records.claim(claimOf(key, { claimId }))));
    answers.push(await outcomeOf(records.complete({ handle, result: NOTHING })));
    answers.push(await told(records.claim(claimOf(ended))));
  }
  return answers;
}

/** How all of that is answered by a server that serves the tenant, and by one that could not build it. */
export const GOES_ON = ["done", "acquired", "done", "completed"];
