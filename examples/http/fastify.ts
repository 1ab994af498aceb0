// A payment that is made once, however often its request comes: `npx node examples/http/fastify.ts [host:port] [port]`
//   curl -i localhost:8080/charges -H 'idempotency-key: "order-1042"' -H 'content-type: application/json' -d '{"amount":4900}'
import fastify from "fastify";
import { createClient } from "holdfast/client";
import { fastify as holdfastFastify } from "holdfast/fastify";
import { attemptOf, createIdempotency } from "holdfast/http";

const [address = "127.0.0.1:7400", port = "8080"] = process.argv.slice(2);
const holdfast = createClient({ address });
// Whose keys these are: what authenticates the request knows. Here there is but one caller.
const idempotency = createIdempotency(holdfast, { principal: () => "", waitMs: 5_000 });

const app = fastify();
app.post<{ Body: { amount: number } }>(
  "/charges",
  { preHandler: holdfastFastify(idempotency) },
  async (request, reply) => {
    const attempt = attemptOf(request);
    console.log(`charging: attempt ${attempt?.number}, fence ${attempt?.fence}`);
    // The work. A provider with idempotency keys of its own gets attempt.keyFor("provider").
    reply.code(201);
    return { chargeId: crypto.randomUUID(), amount: request.body.amount };
  },
);
console.log(`listening on ${await app.listen({ port: Number(port), host: "127.0.0.1" })}`);
