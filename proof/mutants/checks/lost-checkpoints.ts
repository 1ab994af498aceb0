import { bytes, heartbeatOf } from "../../../test/support/records.ts";
import { claimSome, crashAfter, read, SETTINGS } from "./crash.ts";
import { check } from "./stand.ts";

const CHECKPOINT = { encoded: bytes("half done"), sequence: 1n };

/** Checkpoints that were acknowledged, and then a crash of the database. */
await check(SETTINGS, async ({ url, openStore }) => {
  const store = await openStore();
  const held = await claimSome(store);
  await crashAfter(url, async () => {
    const beats = held.map(({ key, lease }) =>
      store.heartbeat(heartbeatOf({ key, proof: lease, checkpoint: CHECKPOINT }), Number.POSITIVE_INFINITY),
    );
    for (const { kind } of await Promise.all(beats))
      if (kind !== "extended") throw new Error("a heartbeat was refused");
  });
  const found = await Promise.all(held.map(({ key }) => read(store, key)));
  const lost = found.filter((record) => record?.checkpointSequence !== 1n).length;
  return lost === 0 ? null : `${lost} of ${held.length} checkpoints were acknowledged and are lost`;
});
