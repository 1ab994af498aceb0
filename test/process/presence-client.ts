// A caller that claims, prints and exits: `presence-client.ts ADDRESS SCOPE KEY`. It says nothing to the server when it
// goes, and leaves closing the connection to the kernel.
import { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { grpcCaller, newClaimId } from "./callers.ts";

const [address = "", scope = "", key = ""] = process.argv.slice(2);
const { detail } = await grpcCaller(address).call(IdempotencyService.method.claim, {
  key: { scope, key },
  claimId: newClaimId(),
  wait: { seconds: 30n },
  lease: { seconds: 60n },
});
process.stdout.write(`${JSON.stringify({ outcome: detail.case })}\n`, () => process.exit(0));
