import { afterAll, beforeAll, expect, test } from "vitest";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { systemClock as clock } from "../../../src/clock.ts";
import type { Listening } from "../../../src/server/grpc.ts";
import { serveHttp } from "../../../src/server/http.ts";
import { createHttpRpc } from "../../../src/server/http-rpc.ts";
import { ROOM } from "../../../src/server/limits.ts";
import { createReadiness } from "../../../src/server/readiness.ts";
import { createRoom } from "../../../src/server/room.ts";
import { pathOf } from "../../../src/server/service-definition.ts";
import { silentLog } from "../../../src/telemetry/log.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";

let http: Listening;

beforeAll(async () => {
  const rpc = createHttpRpc({ endpoints: [], clock, random: () => 0, room: createRoom(ROOM) });
  http = await serveHttp(
    { host: "127.0.0.1", port: 0 },
    {
      ...{ metrics: createMetrics({ ofProcess: false }), readiness: createReadiness(), log: silentLog, tls: null },
      rpc: async () => rpc,
      waiting: () => "polling",
      localOnly: true,
    },
  );
});

afterAll(() => http?.destroy());

const SENTENCE = "use gRPC, on the port of --grpc-address, or call the methods one by one";

test.each([
  ["JSON", "application/json", "{}", 501],
  ["JSON that is none", "application/json", '{"canary"', 501],
  ["binary", "application/proto", "", 501],
  ["a JSON stream", "application/connect+json", "\0\0\0\0\x02{}", 200],
  ["a binary stream", "application/connect+proto", "\0\0\0\0\0", 200],
  ["gRPC-Web", "application/grpc-web+proto", "\0\0\0\0\0", 200],
  ["what this port does not speak", "text/plain", "canary", 501],
])("a session is answered UNIMPLEMENTED and where it can be had: %s", async (_what, type, body, status) => {
  const response = await fetch(`http://127.0.0.1:${http.address.port}${pathOf(IdempotencyService.method.session)}`, {
    ...{ method: "POST", body, headers: { "content-type": type } },
  });
  const said = decodeURIComponent(await response.text());
  expect(response.status).toBe(status);
  expect(said).toMatch(type.includes("grpc-web") ? /grpc-status: 12/ : /"code":"unimplemented"/);
  expect(said).toContain(SENTENCE);
  expect(said).not.toContain("canary");
});
