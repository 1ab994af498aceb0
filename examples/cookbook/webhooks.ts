// Deliveries come twice, at once, and altered: `npx node examples/cookbook/webhooks.ts [host:port] [event id]`
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { createClient, FingerprintMismatchError } from "holdfast/client";

const [address = "127.0.0.1:7400", id = `evt-${crypto.randomUUID()}`] = process.argv.slice(2);
await using holdfast = createClient({ address, owner: { service: "webhooks" } });
let shipped = 0;

async function deliver(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request);
  // First what proves who sent it, over the very bytes. A stranger must not be able to use up an event's id.
  const event = JSON.parse(body.toString()) as { readonly id: string };
  try {
    // The bytes are the input: the same id with other content is refused. Senders keep trying for days: so long it is known.
    const work = { scope: "webhook", key: event.id, input: body, resultRetentionMs: 7 * 24 * 3_600_000 };
    const { replayed } = await holdfast.once(work, async () => {
      shipped += 1; // The work.
    });
    response.writeHead(200).end(replayed ? "known" : "done");
  } catch (error) {
    // 4xx says: do not send this again. Anything else is sent again, and that is right.
    const status = error instanceof FingerprintMismatchError ? 422 : 503;
    response.writeHead(status).end();
  }
}

const server = createServer((request, response) => void deliver(request, response)).listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

const send = async (event: object) => {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(event) });
  return [response.status, await response.text()].join(" ").trim();
};
const paid = { id, type: "order.paid", amount: 4900 };
console.log(`two at once: ${(await Promise.all([send(paid), send(paid)])).sort().join(", ")}`);
console.log(`a day later: ${await send(paid)}`);
console.log(`altered: ${await send({ ...paid, amount: 1 })}`);
console.log(`shipped ${shipped} time`);
server.close();
