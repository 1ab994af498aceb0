// Run it twice, or in two terminals at once: `npx node examples/typescript/once.ts [host:port]`
import { createClient } from "holdfast/client";

await using holdfast = createClient({ address: process.argv[2] ?? "127.0.0.1:7400" });
const order = { id: "order-1042", amount: 4900, currency: "EUR" };

const { value, replayed } = await holdfast.once({ scope: "charge", key: order.id, input: order }, async (attempt) => {
  console.log(`charging ${order.id}: attempt ${attempt.number}, fence ${attempt.fence}`);
  // The work. Give attempt.fence to what it changes, and attempt.signal to what it waits for.
  return { chargeId: crypto.randomUUID(), amount: order.amount };
});

console.log(replayed ? "charged before:" : "charged now:", value.chargeId);
