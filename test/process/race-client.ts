// A client process of the race: connects, says so, waits for the start, claims, and prints the outcome.
import { once } from "node:events";
import { ClaimOutcome, IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { grpcCaller } from "./callers.ts";

const [address = "", key = "", claimId = ""] = process.argv.slice(2);
const { method } = IdempotencyService;

using caller = grpcCaller(address);
await caller.call(method.getRecord, { key: { scope: "race", key: "warm-up" } }).catch(() => undefined);
process.stdout.write("ready\n");
await once(process.stdin, "data");
try {
  const { outcome } = await caller.call(method.claim, { key: { scope: "race", key }, claimId });
  process.stdout.write(`${nameOf(outcome)}\n`);
} catch (error) {
  process.stdout.write(`error: ${error instanceof Error ? error.message : error}\n`);
}
process.stdin.destroy();

function nameOf(outcome: ClaimOutcome): string {
  return Object.entries(ClaimOutcome).find(([, value]) => value === outcome)?.[0] ?? "";
}
