// A payment that is made once, however often its request comes: `npx node examples/http/hono.ts [host:port] [port]`
//   curl -i localhost:8080/charges -H 'idempotency-key: "order-1042"' -H 'content-type: application/json' -d '{"amount":4900}'
import { serve } from "@hono/node-server";
import { createClient } from "holdfast/client";
import { hono as holdfastHono } from "holdfast/hono";
import { attemptOf, createIdempotency } from "holdfast/http";
import { Hono } from "hono";

const [address = "127.0.0.1:7400", port = "8080"] = process.argv.slice(2);
const holdfast = createClient({ address });
// Whose keys these are: what authenticates the request knows. Here there is but one caller.
const idempotency = createIdempotency(holdfast, { principal: () => "" });

const app = new Hono();
app.post("/charges", holdfastHono(idempotency), async (context) => {
  const attempt = attemptOf(context);
  console.log(`charging: attempt ${attempt?.number}, fence ${attempt?.fence}`);
  // The work. A provider with idempotency keys of its own gets attempt.keyFor("provider").
  const { amount } = await context.req.json<{ amount: number }>();
  return context.json({ chargeId: crypto.randomUUID(), amount }, 201);
});
serve({ fetch: app.fetch, port: Number(port), hostname: "127.0.0.1" }, (bound) => {
  console.log(`listening on http://127.0.0.1:${bound.port}`);
});
