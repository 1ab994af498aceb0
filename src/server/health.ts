import { create, type Message } from "@bufbuild/protobuf";
import {
  Health,
  type HealthCheckRequest,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthListResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../gen/grpc/health/v1/health_pb.ts";
import { Fault } from "../domain/fault.ts";
import { type CallContext, type Endpoint, Malformed } from "../rpc/endpoint.ts";
import { toRpcError } from "../rpc/status.ts";
import type { Readiness } from "./readiness.ts";

export interface HealthDeps {
  readonly readiness: Readiness;
  /** The services that are healthy when the server is; "" stands for the server itself. */
  readonly services: readonly string[];
  readonly random: () => number;
}

/** grpc.health.v1: one health for the server and each of its services, since they stand on the same database. */
export function createHealthEndpoints({ readiness, services, random }: HealthDeps): readonly Endpoint[] {
  const names = ["", ...services];
  const status = () => (readiness.report().ready ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  const unary = (
    method: typeof Health.method.check | typeof Health.method.list,
    answer: (m: Message | Malformed) => Message,
  ): Endpoint => ({
    kind: "unary",
    method,
    async call(request, context) {
      try {
        return answer(request);
      } catch (thrown) {
        throw toRpcError(thrown, context, random);
      }
    },
  });

  return [
    unary(Health.method.check, (request) => {
      // RECORD_NOT_FOUND is the reason that travels as NOT_FOUND, which the health protocol wants here.
      if (!names.includes(serviceOf(request))) throw new Fault("RECORD_NOT_FOUND", "no service of this name");
      return create(HealthCheckResponseSchema, { status: status() });
    }),
    unary(Health.method.list, () => {
      const statuses = Object.fromEntries(names.map((name) => [name, { status: status() }]));
      return create(HealthListResponseSchema, { statuses });
    }),
    {
      kind: "server_streaming",
      method: Health.method.watch,
      async *call(request, context) {
        try {
          const known = names.includes(serviceOf(request));
          yield* watch(readiness, context, () => (known ? status() : ServingStatus.SERVICE_UNKNOWN));
        } catch (thrown) {
          throw toRpcError(thrown, context, random);
        }
      },
    },
  ];
}

/** The status now, then each change. Ends with DRAINING when the server stops: an open stream would hold that up. */
async function* watch(
  readiness: Readiness,
  { signal }: CallContext,
  status: () => ServingStatus,
): AsyncGenerator<Message> {
  let sent: ServingStatus | undefined;
  while (!signal.aborted) {
    const changed = readiness.changed(signal);
    const now = status();
    if (now !== sent) yield create(HealthCheckResponseSchema, { status: now });
    sent = now;
    if (readiness.stopping()) throw new Fault("DRAINING", "this server is shutting down");
    await changed;
  }
}

function serviceOf(request: Message | Malformed): string {
  if (request instanceof Malformed) throw new Fault("FIELD_INVALID", `not a ${HealthCheckRequestSchema.typeName}`);
  return (request as HealthCheckRequest).service;
}
