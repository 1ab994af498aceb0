import { randomUUID } from "node:crypto";
import { createClient } from "../../src/client/client.ts";
import { systemClock as clock } from "../../src/clock.ts";

/** wait.json makes the key of a slot from the time: of each so many milliseconds there is one. */
const SLOT_MS = 100;
const PREFIX = "ghz-slot-";
/** Claimed before anybody can wait for them. */
const SLOTS_AHEAD = 20;
const LOOK_MS = 2;
const FINGERPRINT = { algorithm: "jcs-sha256", digest: new Uint8Array(32).fill(7) };
const RESULT = { body: { case: "inline", value: Buffer.from('{"id":"ch_3PqLx2"}') } } as const;

/** Holds the keys that wait.json waits for, each until its slot is over, until it is disposed of. */
export async function holdKeys(address: string): Promise<AsyncDisposable> {
  const holdfast = createClient({ address });
  const hold = async (slot: number) => {
    const key = { scope: "charge", key: `${PREFIX}${slot}` };
    const { detail } = await holdfast.rpc.claim({ key, claimId: randomUUID(), fingerprint: FINGERPRINT });
    const handle = detail.case === "acquired" ? detail.value.lease?.handle : undefined;
    if (handle === undefined) throw new Error(`the claim of ${key.key} was answered ${detail.case}`);
    return () => holdfast.rpc.complete({ handle, result: { ...RESULT, contentType: "application/json" } });
  };
  const slotNow = () => Math.floor((performance.timeOrigin + performance.now()) / SLOT_MS);
  const stopping = new AbortController();
  const held = new Map<number, Promise<() => Promise<unknown>>>();
  let next = slotNow();
  const holdAhead = () => {
    for (; next < slotNow() + SLOTS_AHEAD; next++) held.set(next, hold(next));
  };
  const run = async () => {
    for (; !stopping.signal.aborted; await clock.sleep(LOOK_MS)) {
      holdAhead();
      for (const [slot, claimed] of held) {
        if (slot >= slotNow()) break;
        held.delete(slot);
        await (await claimed)();
      }
    }
    // Nobody is left waiting for what is still held.
    for (const claimed of held.values()) await (await claimed)();
  };
  holdAhead();
  await Promise.all(held.values());
  const running = run();
  running.catch(() => undefined); // Whoever disposes of this is told.
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running.finally(() => holdfast[Symbol.asyncDispose]());
    },
  };
}
