import { randomUUID } from "node:crypto";
import { createClient } from "../../src/client/client.ts";

/** As the configurations name them. */
const KEYS = 500;
const PREFIX = "ghz-ended-";
const FINGERPRINT = { algorithm: "jcs-sha256", digest: new Uint8Array(32).fill(7) };
const RESULT = { id: "ch_3PqLx2", amount: 4200, currency: "eur", status: "succeeded" };

const CALLERS = 50;

/** Ends the keys that replays are of. Those that have ended in an earlier run stay as they are. */
export async function endKeys(address: string): Promise<void> {
  await using holdfast = createClient({ address });
  let next = 0;
  const end = async () => {
    while (next < KEYS) {
      const key = { scope: "charge", key: `${PREFIX}${next++}` };
      const { detail } = await holdfast.rpc.claim({ key, claimId: randomUUID(), fingerprint: FINGERPRINT });
      if (detail.case === "completed") continue;
      const handle = detail.case === "acquired" ? detail.value.lease?.handle : undefined;
      if (handle === undefined) throw new Error(`the claim of ${key.key} was answered ${detail.case}`);
      const value = Buffer.from(JSON.stringify(RESULT));
      await holdfast.rpc.complete({
        handle,
        result: { body: { case: "inline", value }, contentType: "application/json" },
      });
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, end));
}
