import { createServer, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRaw, type RawConnection } from "../../../../proof/hostile/frames/connection.ts";
import { data, FLAG, headers, reset, TYPE } from "../../../../proof/hostile/frames/frame.ts";

/** Sends what it is asked to, and hangs up. */
let answer: Buffer;
const server = createServer((socket: Socket) => socket.on("error", () => undefined).end(answer));
let address: string;
beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { readonly port: number };
  address = `127.0.0.1:${port}`;
});
afterAll(() => void server.close());

async function hears(bytes: Buffer): Promise<RawConnection> {
  answer = bytes;
  const connection = await openRaw(address, { answers: false });
  if (connection === null) throw new Error("nobody listens");
  while (connection.isOpen) await connection.next(1000);
  return connection;
}

test("streams have ended that the server has ended, well or with a reset, each once", async () => {
  const block = Buffer.of(0x88);
  const connection = await hears(
    Buffer.concat([
      headers(1, block, FLAG.endHeaders),
      ...[data(1, Buffer.of(1)), headers(1, block, FLAG.endHeaders | FLAG.endStream)],
      ...[headers(3, block, FLAG.endHeaders | FLAG.endStream), reset(3), reset(5)],
      headers(7, block, FLAG.endHeaders),
    ]),
  );
  expect(connection.ended()).toBe(3);
  expect(connection.count(TYPE.headers)).toBe(4);
});

test("answers over HTTP/1.1 are counted too", async () => {
  const one = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
  expect((await hears(Buffer.from(one + one + one))).count(TYPE.headers)).toBe(3);
});
