// A payment that is made once, however often its request comes: `npx node examples/http/express.ts [host:port] [port]`
//   curl -i localhost:8080/charges -H 'idempotency-key: "order-1042"' -H 'content-type: application/json' -d '{"amount":4900}'
import express from "express";
import { createClient } from "holdfast/client";
import { express as holdfastExpress } from "holdfast/express";
import { attemptOf, createIdempotency } from "holdfast/http";

const [address = "127.0.0.1:7400", port = "8080"] = process.argv.slice(2);
const holdfast = createClient({ address });
const idempotency = createIdempotency(holdfast, {
  // Whose keys these are: what authenticates the request knows. Here there is but one caller.
  principal: () => "",
  documentation: "https://api.example.com/docs/idempotency",
});

const app = express();
app.post("/charges", express.json(), holdfastExpress(idempotency), (request, response) => {
  const attempt = attemptOf(request);
  console.log(`charging: attempt ${attempt?.number}, fence ${attempt?.fence}`);
  // The work. A provider with idempotency keys of its own gets attempt.keyFor("provider").
  const { amount } = request.body as { amount: number };
  response.status(201).json({ chargeId: crypto.randomUUID(), amount });
});
const server = app.listen(Number(port), "127.0.0.1", () => {
  const bound = server.address();
  console.log(`listening on http://127.0.0.1:${typeof bound === "object" ? bound?.port : port}`);
});
