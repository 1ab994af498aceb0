import { randomUUID } from "node:crypto";
import { type Client, createClient } from "@connectrpc/connect";
import { AdminService } from "../gen/holdfast/v1/admin_pb.ts";
import { IdempotencyService, type Record as RecordMessage } from "../gen/holdfast/v1/idempotency_pb.ts";
import { createGrpcTransport, type GrpcTransport } from "../src/client/grpc-transport.ts";
import type { ServerProcess } from "../test/process/server.ts";
import { startTcpProxy, type TcpProxy } from "../test/support/tcp-proxy.ts";
import { withinMs } from "./bounds.ts";
import type { Call } from "./call.ts";
import { type Driver, type DriverCommand, type Json, startDriver } from "./driver.ts";

/** What a scenario is played with. What it opens and starts is closed behind it. */
export interface Stage {
  /** Nobody else's. */
  readonly scope: string;
  /** A client of the kind under test. Those of one scenario are in one process. */
  client(options?: OpenOptions): Promise<Actor>;
  /** A client of the other kind: where there is none, of the same one in another process. */
  other(options?: OpenOptions): Promise<Actor>;
  /** A client of the kind under test in a process of its own, to be killed. */
  doomed(options?: OpenOptions): Promise<Actor>;
  /** Between a client and the server: open a client at `addressOf(proxy)`. */
  proxy(): Promise<TcpProxy>;
  /** Another server on the same database. */
  server(args?: readonly string[]): Promise<ServerProcess>;
  readonly address: string;
  /** As it is in the database now; undefined when there is none. */
  record(key: string): Promise<RecordMessage | undefined>;
  /** ForceRelease, by an operator. */
  release(key: string): Promise<void>;
}

export interface OpenOptions {
  readonly addresses?: readonly string[];
  readonly tryTimeoutMs?: number;
  readonly totalTimeoutMs?: number;
}

/** A client in a driver. Calls are of the stage's scope unless they say otherwise. */
export interface Actor {
  readonly driver: Driver;
  once(key: string, fields?: object): Call;
  /** Runs the work, which returns the JSON text. */
  does(key: string, value: string, fields?: object): Promise<Json>;
  waitFor(keys: readonly string[], fields?: object): Call;
  result(key: string, fields?: object): Call;
  reconcile(key: string, fields?: object): Call;
  cancel(call: Call): Promise<void>;
  close(): Promise<void>;
}

/** What outlives a scenario. */
export interface Theatre {
  readonly command: DriverCommand;
  readonly other: DriverCommand;
  readonly address: string;
  readonly startServer: (args?: readonly string[]) => Promise<ServerProcess>;
}

export interface OpenStage extends Stage, AsyncDisposable {}

export interface Troupe extends AsyncDisposable {
  stage(): OpenStage;
}

/** Two driver processes serve all scenarios; those that are killed are each scenario's own. */
export function createTroupe({ command, other, address, startServer }: Theatre): Troupe {
  const transport: GrpcTransport = createGrpcTransport({ addresses: [address] });
  const records = createClient(IdempotencyService, transport);
  const operator: Client<typeof AdminService> = createClient(AdminService, transport);
  const lasting = new Map<DriverCommand | "other", Driver>();
  const lastingDriver = (of: DriverCommand, as: DriverCommand | "other") => {
    const driver = lasting.get(as) ?? startDriver(of);
    lasting.set(as, driver);
    return driver;
  };

  const stage = (): OpenStage => {
    const scope = `scenario-${randomUUID()}`;
    const stack = new AsyncDisposableStack();
    const actor = async (driver: Driver, options: OpenOptions = {}) => {
      const opened = await openActor(driver, scope, { addresses: [address], ...options });
      stack.defer(() => opened.close().catch(() => undefined)); // A killed one has gone.
      return opened;
    };
    return {
      ...{ scope, address },
      client: (options) => actor(lastingDriver(command, command), options),
      other: (options) => actor(lastingDriver(other, "other"), options),
      doomed: async (options) => {
        const driver = startDriver(command);
        stack.defer(() => driver.kill());
        return await actor(driver, options);
      },
      proxy: async () => stack.use(await startTcpProxy(targetOf(address))),
      server: async (args) => stack.use(await startServer(args)),
      async record(key) {
        const { record } = await records.getRecord({ key: { scope, key } }).catch(() => ({ record: undefined }));
        return record;
      },
      release: async (key) => {
        await operator.forceRelease({ key: { scope, key }, reason: "a scenario asks for it" });
      },
      [Symbol.asyncDispose]: () => withinMs(stack.disposeAsync(), () => "what a scenario has opened does not close"),
    };
  };

  return {
    stage,
    async [Symbol.asyncDispose]() {
      transport.close();
      const codes = await Promise.all([...lasting.values()].map((driver) => driver.stop()));
      if (codes.some((code) => code !== 0))
        throw new Error(`drivers have ended with ${codes.join(", ")}, and not with 0`);
    },
  };
}

export function addressOf({ port }: TcpProxy): string {
  return `127.0.0.1:${port}`;
}

async function openActor(driver: Driver, scope: string, options: OpenOptions): Promise<Actor> {
  const client = randomUUID();
  await driver.ask("open", { client, service: driver.name, ...options });
  const once = (key: string, fields: object = {}) =>
    driver.begin("once", { client, scope, key, input: `{"key":${JSON.stringify(key)}}`, ...fields });
  return {
    driver,
    once,
    async does(key, value, fields) {
      const call = once(key, fields);
      await (await call.work()).returns(value);
      return await call.answered();
    },
    waitFor: (keys, fields) =>
      driver.begin("wait-for", { client, targets: keys.map((key) => ({ scope, key })), ...fields }),
    result: (key, fields) => driver.begin("result", { client, scope, key, ...fields }),
    reconcile: (key, fields) => driver.begin("reconcile", { client, scope, key, ...fields }),
    async cancel({ id }) {
      await driver.ask("cancel", { call: id });
    },
    async close() {
      await driver.ask("close", { client });
    },
  };
}

function targetOf(address: string) {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
