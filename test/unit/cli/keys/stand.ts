import { create } from "@bufbuild/protobuf";
import { AdminService, ListTenantsResponseSchema } from "../../../../gen/holdfast/v1/admin_pb.ts";
import { type CommandIo, runCommand } from "../../../../src/cli/commands.ts";
import type { Ending } from "../../../../src/cli/exit-codes.ts";
import { formatAddress } from "../../../../src/server/config/kinds.ts";
import { type Listening, serveGrpc } from "../../../../src/server/grpc.ts";
import { ROOM } from "../../../../src/server/limits.ts";
import { createRoom } from "../../../../src/server/room.ts";
import { silentLog } from "../../../../src/telemetry/log.ts";
import { type RecordStand, type RecordStandOptions, recordStand } from "../../rpc/admin/records-stand.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** A server over a store in memory, and commands that call it. Leaving the scope ends it. */
export interface CommandStand extends AsyncDisposable {
  readonly own: RecordStand;
  readonly address: string;
  /** The methods that were called, in turn. */
  readonly calls: readonly string[];
  run(args: readonly string[], io?: Partial<CommandIo>): Promise<Ran>;
}

export interface CommandStandOptions extends RecordStandOptions {
  /** Told of each call before it is answered. */
  readonly before?: (method: string) => void;
}

export async function commandStand({ before, ...options }: CommandStandOptions = {}): Promise<CommandStand> {
  const own = recordStand(options);
  const calls: string[] = [];
  const endpoints = [...own.endpoints, ...own.callEndpoints, listTenants].map((endpoint) => ({
    ...endpoint,
    call(request: never, context: never) {
      const { name } = endpoint.method;
      calls.push(name);
      before?.(name);
      return endpoint.call(request, context);
    },
  }));
  const server: Listening = await serveGrpc(
    { host: "127.0.0.1", port: 0 },
    {
      ...{ endpoints: endpoints as never, clock: own.clock, log: silentLog, room: createRoom(ROOM) },
      ...{ maxConnectionAgeMs: 60_000, maxConcurrentStreams: 100, tls: null },
    },
  );
  const address = formatAddress(server.address);
  return {
    ...{ own, address, calls },
    run: (args, io) => runWith(args, { env: { HOLDFAST_SERVER: address }, ...io }),
    [Symbol.asyncDispose]: async () => server.destroy(),
  };
}

const listTenants = {
  kind: "unary" as const,
  method: AdminService.method.listTenants,
  call: async () => {
    const tenants = ["acme", "default"].map((tenantId) => ({ registration: { tenantId } }));
    return create(ListTenantsResponseSchema, { tenants });
  },
};

/** Runs a command with what is given of its surroundings; nobody is at the keyboard, and nobody sees a terminal. */
export async function runWith(args: readonly string[], io: Partial<CommandIo> = {}): Promise<Ran> {
  let [out, error] = ["", ""];
  const code = await runCommand(args, {
    out: (text) => {
      out += text;
    },
    bytes: (bytes) => {
      out += Buffer.from(bytes).toString("latin1");
    },
    error: (text) => {
      error += text;
    },
    terminal: false,
    env: {},
    ...io,
  });
  return { code, out, error };
}

/** Somebody who can end a command. */
export function ender(): {
  readonly onEnding: NonNullable<CommandIo["onEnding"]>;
  end(why: Ending): void;
  readonly listening: number;
} {
  const listeners = new Set<(why: Ending) => void>();
  return {
    onEnding(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    end(why) {
      for (const listener of listeners) listener(why);
    },
    get listening() {
      return listeners.size;
    },
  };
}
