import fastify from "fastify";
import { createClient } from "holdfast/client";
import { fastify as holdfastFastify } from "../../src/middleware/fastify.ts";
import { createIdempotency } from "../../src/middleware/http.ts";

/** A service with one handler, as it is and behind the middleware. Argument: where Holdfast is. Tells its port. */
const [address = ""] = process.argv.slice(2);
const holdfast = createClient({ address });
const idempotency = createIdempotency(holdfast, { principal: () => "bench" });

const app = fastify();
const charge = async () => ({ charge: "ch_1", status: "paid" });
app.post("/bare", charge);
app.post("/protected", { preHandler: holdfastFastify(idempotency) }, charge);
await app.listen({ port: 0, host: "127.0.0.1" });
process.once("disconnect", async () => {
  await app.close();
  await holdfast.close();
});
const [bound] = app.addresses();
process.send?.(typeof bound === "object" ? bound.port : undefined);
