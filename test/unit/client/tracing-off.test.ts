import { expect, test } from "vitest";
import { createClient } from "../../../src/client/client.ts";
import { createFakeServer } from "./fake-server.ts";
import { inProcess } from "./in-process.ts";

test("without an SDK a call takes no header along, and a transport gets what the caller gave", async () => {
  const server = createFakeServer();
  const transport = inProcess(server);
  const headers: (readonly [string, string][])[] = [];
  const holdfast = createClient({
    clock: server.clock,
    transport: {
      unary(method, signal, timeoutMs, header, input, values) {
        headers.push([...new Headers(header)]);
        return transport.unary(method, signal, timeoutMs, header, input, values);
      },
      stream(method, signal, timeoutMs, header, input, values) {
        headers.push([...new Headers(header)]);
        return transport.stream(method, signal, timeoutMs, header, input, values);
      },
    },
  });
  const job = { scope: "charge", key: "evt_1", input: null };
  expect(await holdfast.once(job, () => "done")).toMatchObject({ value: "done", replayed: false });
  for await (const _ of holdfast.waitFor([{ scope: "charge", key: "evt_1" }]));
  await holdfast.rpc.getRecord({ key: { scope: "charge", key: "evt_1" } }, { headers: { "x-own": "1" } });
  expect(headers).toEqual([[], [], [], [["x-own", "1"]]]);
});
