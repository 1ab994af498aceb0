// An application in a process of its own: `crashing-app.ts ADDRESS OPTIONS`. Says on standard output where it listens,
// and each time its handler runs. With a header x-crash it is killed when the handler has answered, before the answer
// can be stored.

import fastify from "fastify";
import { createClient } from "holdfast/client";
import { fastify as holdfastFastify } from "../../../src/middleware/fastify.ts";
import { createIdempotency } from "../../../src/middleware/http.ts";

const [address = "", json = "{}"] = process.argv.slice(2);
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const holdfast = createClient({ address });
const idempotency = createIdempotency(holdfast, { ...JSON.parse(json), principal: () => "" });

const app = fastify();
app.post("/charges", { preHandler: holdfastFastify(idempotency) }, (request, reply) => {
  say({ event: "charged" });
  reply.code(201).send({ charge: 1 });
  // In the same turn of the event loop: nothing has been sent since.
  if (request.headers["x-crash"] !== undefined) process.kill(process.pid, "SIGKILL");
});
say({ event: "listening", url: await app.listen({ port: 0, host: "127.0.0.1" }) });
