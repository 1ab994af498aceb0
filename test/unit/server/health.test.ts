import { create, type Message } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  HealthCheckRequestSchema,
  type HealthCheckResponse,
  HealthListRequestSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../../gen/grpc/health/v1/health_pb.ts";
import { type CallContext, type Endpoint, Malformed } from "../../../src/rpc/endpoint.ts";
import { createHealthEndpoints } from "../../../src/server/health.ts";
import { createReadiness } from "../../../src/server/readiness.ts";

const SERVICE = "holdfast.v1.IdempotencyService";

function setUp() {
  const readiness = createReadiness();
  readiness.setPlacement("main", "up");
  readiness.set("schema", true);
  const endpoints = createHealthEndpoints({ readiness, services: [SERVICE], random: () => 0 });
  const controller = new AbortController();
  const context: CallContext = {
    requestId: "r",
    deadline: Number.POSITIVE_INFINITY,
    signal: controller.signal,
    retiring: new AbortController().signal,
    answered: async () => true,
    metadata: () => undefined,
    certificate: () => null,
    transport: "grpc",
  };
  const find = <Kind extends Endpoint["kind"]>(name: string, kind: Kind) => {
    const found = endpoints.find(({ method }) => method.name === name);
    if (found?.kind !== kind) throw new Error(`no ${name}`);
    return found as Extract<Endpoint, { kind: Kind }>;
  };
  const unary = (name: string, request: Message | Malformed) => find(name, "unary").call(request, context);
  const watch = (service: string) =>
    find("Watch", "server_streaming")
      .call(checkRequest(service), context)
      [Symbol.asyncIterator]() as AsyncIterator<HealthCheckResponse>;
  return { readiness, unary, watch, leave: () => controller.abort() };
}

const checkRequest = (service: string) => create(HealthCheckRequestSchema, { service });

describe("Check", () => {
  test.each(["", SERVICE])(
    "%j is SERVING while all is well, and NOT_SERVING when the database is gone",
    async (service) => {
      const { readiness, unary } = setUp();
      expect(await unary("Check", checkRequest(service))).toMatchObject({ status: ServingStatus.SERVING });
      readiness.setPlacement("main", "down");
      expect(await unary("Check", checkRequest(service))).toMatchObject({ status: ServingStatus.NOT_SERVING });
    },
  );

  test("a service that is not known is NOT_FOUND", async () => {
    await expect(setUp().unary("Check", checkRequest("other"))).rejects.toMatchObject({ code: 5 });
  });

  test("a request that cannot be decoded is INVALID_ARGUMENT", async () => {
    await expect(setUp().unary("Check", new Malformed(new Error("bytes")))).rejects.toMatchObject({ code: 3 });
  });
});

test("List tells every service", async () => {
  const listed = await setUp().unary("List", create(HealthListRequestSchema));
  expect(listed).toMatchObject({
    statuses: { "": { status: ServingStatus.SERVING }, [SERVICE]: { status: ServingStatus.SERVING } },
  });
});

describe("Watch", () => {
  test("tells the status at once, and then each change, once", async () => {
    const { readiness, watch } = setUp();
    const watching = watch("");
    expect((await watching.next()).value.status).toBe(ServingStatus.SERVING);
    const next = watching.next();
    readiness.set("schema", true); // No change.
    readiness.set("accepting", false);
    readiness.setPlacement("main", "down"); // Still not serving: nothing to tell.
    expect((await next).value.status).toBe(ServingStatus.NOT_SERVING);
    const back = watching.next();
    readiness.setPlacement("main", "up");
    readiness.set("accepting", true);
    expect((await back).value.status).toBe(ServingStatus.SERVING);
  });

  test("of a service that is not known says SERVICE_UNKNOWN and stays open", async () => {
    const { watch, leave } = setUp();
    const watching = watch("other");
    expect((await watching.next()).value.status).toBe(ServingStatus.SERVICE_UNKNOWN);
    const next = watching.next();
    leave();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test("ends when the caller goes", async () => {
    const { watch, leave } = setUp();
    const watching = watch("");
    await watching.next();
    const next = watching.next();
    leave();
    expect((await next).done).toBe(true);
  });

  test("ends with UNAVAILABLE when the server stops", async () => {
    const { readiness, watch } = setUp();
    const watching = watch("");
    await watching.next();
    const next = watching.next();
    readiness.stop();
    await expect(next).rejects.toMatchObject({ code: 14, reason: "DRAINING" });
  });
});

describe("readiness", () => {
  test("a server whose database has not been seen yet is not ready", () => {
    expect(createReadiness().report()).toEqual({
      ready: false,
      checks: { database: false, schema: false, accepting: true },
      placements: {},
    });
  });
});
