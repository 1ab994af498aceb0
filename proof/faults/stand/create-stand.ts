import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { AdminService } from "../../../gen/holdfast/v1/admin_pb.ts";
import { createGrpcTransport } from "../../../src/client/grpc-transport.ts";
import type { TcpTarget } from "../../../test/support/tcp-proxy.ts";
import { startShim } from "../shim/shim.ts";
import { openPlace } from "./place.ts";
import { openPooler, type StandPooler } from "./pooler.ts";
import { copyDirectory, createPostgres, type OwnPostgres } from "./postgres.ts";
import { findPrograms } from "./programs.ts";
import { createServer, type OwnServer } from "./server.ts";
import type { Stand, StandOptions } from "./stand.ts";
import { copyOf, follow, isFollowed, STANDBY } from "./standby.ts";
import { templateData } from "./template.ts";

export const USUAL_STAND: StandOptions = {
  ...{ servers: 3, standby: "none", pooler: false, shim: false, tree: null },
  ...{ settings: {}, serverArgs: [], tenants: [] },
};

const HOST = "127.0.0.1";

/** Everything is started side by side, and answers when all of it is ready. */
export async function createStand(change: Partial<StandOptions> = {}): Promise<Stand> {
  const options = { ...USUAL_STAND, ...change };
  const unasked: string[] = [];
  const onUnasked = (what: string) => void unasked.push(what);
  await using opening = new AsyncDisposableStack();
  const databases = await openDatabases(options, opening, onUnasked);
  let { primary, standby } = databases;

  // Their ports may change, and lead every connection to come elsewhere.
  const direct: TcpTarget & { port: number } = { host: HOST, port: primary.port };
  const pooler: StandPooler | null = options.pooler ? opening.use(await openPooler(primary.port)) : null;
  const through = pooler === null ? direct : { host: HOST, port: pooler.port };
  const servers: OwnServer[] = [];
  for (let i = 1; i <= options.servers; i++) {
    const own = { name: `s${i}`, stand: options };
    servers.push(opening.use(await createServer({ ...own, database: through, listener: direct })));
  }
  const startDatabases = Promise.all([primary.start(), standby?.start()]);
  await Promise.all([startDatabases, ...servers.map((server) => server.start())]);
  if (standby !== null) await isFollowed(primary, options.standby);
  await registerTenants(servers[0], options.tenants);
  const opened = opening.move();

  const leadTo = async (port: number) => {
    direct.port = port;
    await pooler?.pointTo(port);
    for (const { database, listener } of servers) {
      database.cut();
      listener.cut();
    }
  };

  return {
    ...{ options, servers, pooler },
    get primary() {
      return primary;
    },
    get standby() {
      return standby;
    },
    async failOver() {
      if (standby === null) throw new Error("bug: a failover without a standby");
      if (primary.isRunning) await primary.stop("kill");
      await standby.promote();
      [primary, standby] = [standby, null];
      await leadTo(primary.port);
    },
    async followAnew() {
      if (standby !== null) throw new Error("bug: there is a standby");
      const shim = options.shim ? opened.use(await startShim()) : null;
      standby = opened.use(await copyOf(primary, { onUnasked, shim }));
      await standby.start();
      await follow(primary, options.standby);
    },
    mishaps: () => [...unasked, ...servers.flatMap((server) => server.mishaps())],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function openDatabases(
  options: StandOptions,
  opening: AsyncDisposableStack,
  onUnasked: (what: string) => void,
): Promise<{ primary: OwnPostgres; standby: OwnPostgres | null }> {
  const programs = await findPrograms();
  const template = await templateData();
  const openOne = async () => {
    const place = opening.use(await openPlace());
    const shim = options.shim ? opening.use(await startShim()) : null;
    await copyDirectory(template, join(place.path, "data"));
    const postgres = opening.use(await createPostgres({ place, programs, shim, onUnasked }));
    await postgres.configure({ ...shim?.settings, ...options.settings });
    return postgres;
  };
  const primary = await openOne();
  if (options.standby === "none") return { primary, standby: null };
  const standby = await openOne();
  await standby.becomeStandbyOf(primary.port, STANDBY);
  if (options.standby === "synchronous") await primary.configure({ synchronous_standby_names: STANDBY });
  return { primary, standby };
}

async function registerTenants(server: OwnServer | undefined, tenants: readonly string[]): Promise<void> {
  if (server === undefined || tenants.length === 0) return;
  const transport = createGrpcTransport({ addresses: [server.address] });
  try {
    const admin = createClient(AdminService, transport);
    for (const tenantId of tenants) await admin.registerTenant({ registration: { tenantId }, reason: "a stand" });
  } finally {
    transport.close();
  }
}
