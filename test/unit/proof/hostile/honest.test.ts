import { createServer, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startHonest } from "../../../../proof/hostile/stand/honest.ts";

/** Takes every connection, and never sends a byte. */
const sockets = new Set<Socket>();
const server = createServer((socket) => void sockets.add(socket.on("error", () => undefined).resume()));
let port: number;
beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  ({ port } = server.address() as { readonly port: number });
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

test("an honest client whom nobody answers has not been served, though it has called on each way", async () => {
  const silent = { grpc: `127.0.0.1:${port}`, http: `http://127.0.0.1:${port}` };
  await expect(startHonest({ server: silent, honest: "Bearer x" }, 1_000)).rejects.toThrow(
    "the honest client is not served over gRPC, Connect JSON, Session within 1 s: no call has ended",
  );
  expect(sockets.size).toBeGreaterThanOrEqual(3);
});
