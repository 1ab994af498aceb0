// A card is charged once, and the provider's answer is lost: `npx node examples/cookbook/payments.ts [host:port] [order]`
import { createClient, OutcomeUnknownError, outcomeUnknown, terminal } from "holdfast/client";
import { Declined, openProvider } from "./provider.ts";

const [address = "127.0.0.1:7400", id = `order-${crypto.randomUUID()}`] = process.argv.slice(2);
await using holdfast = createClient({ address, owner: { service: "payments" } });
const provider = openProvider({ answersLost: 1 });

const order = { id, amount: 4900, currency: "EUR" };
const record = { scope: "charge", key: order.id };

/** Whatever becomes of this process, of the answer, or of the caller: nobody charges again before somebody has looked. */
async function charge() {
  return await holdfast.once({ ...record, input: order, onLeaseExpiry: "hold" }, async (attempt) => {
    const idempotencyKey = attempt.keyFor("card-provider");
    // Durable before the provider hears of it: it is what a reconciler looks for.
    await attempt.setExternalRef(idempotencyKey);
    try {
      return await provider.charge(order, { idempotencyKey, signal: attempt.signal });
    } catch (error) {
      // The provider has said no, for good. Any other error says nothing of what it has done.
      if (error instanceof Declined) throw terminal(error);
      throw outcomeUnknown(error);
    }
  });
}

/** Asks the provider. Run it from a job, for records that `holdfast keys list --stuck` shows, or when a caller finds one. */
async function reconcile() {
  return await holdfast.reconcile(record, async (unknown) => {
    const found = await provider.find(unknown.externalRef);
    // A provider who does not know the key may yet learn of it, from a request that is still on its way. One that was
    // told to refuse the key from now on cannot: then, and only then, nothing was started.
    if (found !== undefined) return { done: found };
    return (await provider.refuse(unknown.externalRef)) ? { notStarted: true } : { unknown: true };
  });
}

await charge().catch((error: Error) => console.log(`the first caller: ${error.message}`));
await charge().catch((error: Error) => {
  if (!(error instanceof OutcomeUnknownError)) throw error;
  console.log("the second caller: the outcome is unknown, nobody charges");
});
const settled = await reconcile();
console.log(`the reconciler: ${settled.kind}`);
const { value, replayed } = await charge();
console.log(
  `the third caller: ${value.amount} ${replayed ? "replayed" : "charged"}, ${provider.charges()} charge in all`,
);
