import { createClient as createRpc } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { createClient, FingerprintMismatchError, toHoldfastError } from "../../../src/client/client.ts";
import { createTestServer } from "../../../src/testing/test-server.ts";
import { charge, thrown } from "./charge.ts";

test("clients of other processes come in by gRPC, and share records and faults with those in memory", async () => {
  await using server = createTestServer({ clock: "real" });
  const { address } = await server.listen();
  await using remote = createClient({ address });
  server.faults.loseNextAnswer("complete");
  expect(await remote.once(charge, () => "by wire")).toMatchObject({ value: "by wire", attempt: 1 });
  expect(await server.client().once(charge, () => "again")).toMatchObject({ value: "by wire", replayed: true });
  expect(await remote.result(charge)).toBe("by wire");
  expect(await thrown(remote.once({ ...charge, input: 2 }, () => 1))).toBeInstanceOf(FingerprintMismatchError);
});

test("one who waits by gRPC is told when the work in memory is done, and hears of an expired lease at once", async () => {
  await using server = createTestServer();
  const { address } = await server.listen();
  await using remote = createClient({ address });
  const started = Promise.withResolvers<void>();
  void server.client().once(charge, () => {
    started.resolve();
    return new Promise(() => undefined);
  });
  await started.promise;
  const events = remote.waitFor([charge]);
  expect((await events.next()).value).toMatchObject({ kind: "snapshot", record: { state: "in-progress" } });
  const waiting = remote.once(charge, () => "taken over");
  await server.faults.expireLease(charge.scope, charge.key);
  expect(await waiting).toMatchObject({ value: "taken over", attempt: 2 });
  await events.return();
});

test.each([
  ["Connect", createConnectTransport],
  ["gRPC-Web", createGrpcWebTransport],
])("%s over HTTP/1.1 is spoken too, errors with their reasons included", async (_, createTransport) => {
  await using server = createTestServer();
  const { url } = await server.listen();
  const rpc = createRpc(IdempotencyService, createTransport({ baseUrl: url, httpVersion: "1.1" }));
  const key = { scope: "charge", key: "evt_1" };
  await server.client().once(charge, () => "paid");
  expect((await rpc.getRecord({ key, includeResult: true })).record?.attempt).toBe(1);
  const error = toHoldfastError(await thrown(rpc.getRecord({ key: { ...key, key: "evt_9" } })));
  expect(error.reason).toBe("RECORD_NOT_FOUND");
  const streamed = await Array.fromAsync(rpc.waitFor({ targets: [{ key }] }));
  expect(streamed.map(({ event }) => event.case)).toEqual(["snapshot", "ended", "finish"]);
});

test("what is none of its paths is not found, and a closed server listens no more", async () => {
  const server = createTestServer();
  const { url, close } = await server.listen();
  expect((await fetch(`${url}/nothing`)).status).toBe(404);
  await close();
  await expect(fetch(url)).rejects.toThrow("fetch failed");
  await server.close();
});
