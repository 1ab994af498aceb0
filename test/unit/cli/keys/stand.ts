import { create } from "@bufbuild/protobuf";
import { AdminService, ListTenantsResponseSchema } from "../../../../gen/holdfast/v1/admin_pb.ts";
import { type CommandIo, runCommand } from "../../../../src/cli/commands.ts";
import type { Ending } from "../../../../src/cli/exit-codes.ts";
import { Fault, type FaultCode } from "../../../../src/domain/fault.ts";
import { toRpcError } from "../../../../src/rpc/status.ts";
import { formatAddress } from "../../../../src/server/config/kinds.ts";
import { type Listening, serveGrpc } from "../../../../src/server/grpc.ts";
import { ROOM } from "../../../../src/server/limits.ts";
import { createRoom } from "../../../../src/server/room.ts";
import { silentLog } from "../../../../src/telemetry/log.ts";
import { type RecordStand, type RecordStandOptions, recordStand } from "../../rpc/admin/records-stand.ts";
import { quietContext } from "../../rpc/bundle.ts";

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
  /** The tenants that a caller is told of; null: it may not ask. */
  readonly listed?: readonly string[] | null;
}

export async function commandStand({
  before,
  listed = ["acme", "default"],
  ...options
}: CommandStandOptions = {}): Promise<CommandStand> {
  const own = recordStand(options);
  const calls: string[] = [];
  const endpoints = [...own.endpoints, ...own.callEndpoints, listTenants(listed)].map((endpoint) => ({
    ...endpoint,
    call(request: never, context: never) {
      const { name } = endpoint.method;
      calls.push(name);
      before?.(name);
      // The calls of IdempotencyService are nobody's in particular here; this one tells whose they are.
      const isOfOne = (options.principal?.tenant ?? null) !== null;
      if (name === "ResolveTenant" && isOfOne) return Promise.reject(refused("TENANT_FORBIDDEN"));
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

function refused(code: FaultCode): Error {
  return toRpcError(new Fault(code, "refused"), quietContext(), () => 0.5);
}

function listTenants(listed: readonly string[] | null) {
  return {
    kind: "unary" as const,
    method: AdminService.method.listTenants,
    call: async () => {
      if (listed === null) throw refused("ROLE_REQUIRED");
      const tenants = listed.map((tenantId) => ({ registration: { tenantId } }));
      return create(ListTenantsResponseSchema, { tenants });
    },
  };
}

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
