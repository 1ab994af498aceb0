// Beside a server with TLS and API keys, see "Put it on a network" in the README:
// `npx node examples/typescript/network.ts [host:port] [ca.pem]`, with the key in HOLDFAST_API_KEY.
import { readFileSync } from "node:fs";
import { createClient, HoldfastError } from "holdfast/client";

const [address = "localhost:7400", ca = "cert.pem"] = process.argv.slice(2);
const apiKey = process.env["HOLDFAST_API_KEY"] ?? "";
await using holdfast = createClient({ address, apiKey, tls: { ca: readFileSync(ca) } });
const order = { id: "order-1042", amount: 4900, currency: "EUR" };

try {
  const { value, replayed } = await holdfast.once({ scope: "charge", key: order.id, input: order }, async () => {
    return crypto.randomUUID(); // The work.
  });
  console.log(replayed ? "charged before:" : "charged now:", value);
} catch (error) {
  if (!(error instanceof HoldfastError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
