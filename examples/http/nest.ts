// A payment that is made once, however often its request comes: `npx node examples/http/nest.ts [host:port] [port]`
//   curl -i localhost:8080/charges -H 'idempotency-key: "order-1042"' -H 'content-type: application/json' -d '{"amount":4900}'
import "reflect-metadata";
import { Body, Controller, Module, Post, Req } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { createClient } from "holdfast/client";
import { attemptOf, createIdempotency } from "holdfast/http";
import { nest as holdfastNest } from "holdfast/nest";

const [address = "127.0.0.1:7400", port = "8080"] = process.argv.slice(2);
const holdfast = createClient({ address });

class Charges {
  charge({ amount }: { amount: number }, request: object) {
    const attempt = attemptOf(request);
    console.log(`charging: attempt ${attempt?.number}, fence ${attempt?.fence}`);
    // The work. A provider with idempotency keys of its own gets attempt.keyFor("provider").
    return { chargeId: crypto.randomUUID(), amount };
  }
}
class Main {}
// As functions, because Node runs this file as it is, and strips types but no decorators.
Post("charges")(Charges.prototype, "charge", Object.getOwnPropertyDescriptor(Charges.prototype, "charge") ?? {});
Body()(Charges.prototype, "charge", 0);
Req()(Charges.prototype, "charge", 1);
Controller()(Charges);
Module({ controllers: [Charges] })(Main);

const app = await NestFactory.create(Main, { logger: false });
// Whose keys these are: what authenticates the request knows. Here there is but one caller.
app.useGlobalInterceptors(holdfastNest(createIdempotency(holdfast, { principal: () => "" })));
await app.listen(Number(port), "127.0.0.1");
console.log(`listening on ${await app.getUrl()}`);
