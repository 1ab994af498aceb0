import { createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { AdminService, Role } from "../../../gen/holdfast/v1/admin_pb.ts";
import { IdempotencyService, type LeaseHandle } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { holdfast, type ServerProcess, startServer } from "../../../test/process/server.ts";
import { type Collector, INSPECTABLE, openCollector } from "./collect.ts";
import { LARGE_KEY, LARGE_RESULT_BYTES } from "./records.ts";

/** A real server, with a tenant for whoever attacks it and one for who does not. */
export interface Stand extends AsyncDisposable {
  readonly server: ServerProcess;
  readonly collector: Collector;
  /** Headers of who may do everything of the attacked tenant. */
  readonly hostile: string;
  /** Of who may do everything of every tenant. */
  readonly admin: string;
  readonly honest: string;
  /** Leases that are held, so that ends and heartbeats get as far as the database. */
  readonly held: readonly LeaseHandle[];
}

export const HOSTILE_TENANT = "hostile";
export const HONEST_TENANT = "honest";

const EVERYTHING = [Role.CLAIM, Role.READ, Role.OPERATE, Role.ADMIN];
const HELD = 8;

export async function openStand(databaseUrl: string): Promise<Stand> {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await startServer({ databaseUrl, args: ["--auth", "api-key"], env: INSPECTABLE }));
  const made = await holdfast(["admin", "bootstrap", "--database-url", databaseUrl]);
  if (made.code !== 0) throw new Error(made.stderr);
  const admin = `Bearer ${made.stdout.trimEnd()}`;
  const service = createClient(AdminService, transportOf(server, admin));
  const [hostile = "", honest = ""] = await Promise.all(
    [HOSTILE_TENANT, HONEST_TENANT].map(async (tenantId) => {
      await service.registerTenant({ registration: { tenantId }, awaitFirstValidation: true });
      return `Bearer ${(await service.createApiKey({ tenantId, roles: EVERYTHING })).secret}`;
    }),
  );
  const held = await prepare(server, hostile);
  const collector = opening.use(await openCollector(server));
  const opened = opening.move();
  return { server, collector, hostile, admin, honest, held, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function prepare(server: ServerProcess, authorization: string): Promise<readonly LeaseHandle[]> {
  const calls = createClient(IdempotencyService, transportOf(server, authorization));
  const claim = async (key: string) => {
    const { detail } = await calls.claim({
      ...{ key: { scope: LARGE_KEY.scope, key }, claimId: crypto.randomUUID(), lease: { seconds: 3600n } },
    });
    if (detail.case !== "acquired" || detail.value.lease?.handle === undefined) throw new Error(`${key} is not ours`);
    return detail.value.lease.handle;
  };
  const handle = await claim(LARGE_KEY.key);
  await calls.complete({ handle, result: { body: { case: "inline", value: new Uint8Array(LARGE_RESULT_BYTES) } } });
  return Promise.all(Array.from({ length: HELD }, (_, i) => claim(`held-${i}`)));
}

function transportOf({ grpc }: ServerProcess, authorization: string) {
  const withCredential: Interceptor = (next) => (request) => {
    request.header.set("authorization", authorization);
    return next(request);
  };
  return createGrpcTransport({ baseUrl: `http://${grpc}`, interceptors: [withCredential] });
}
