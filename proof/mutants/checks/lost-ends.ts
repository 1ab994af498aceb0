import { finishOf } from "../../../test/support/records.ts";
import { claimSome, crashAfter, read, SETTINGS } from "./crash.ts";
import { check } from "./stand.ts";

/** Ends that were acknowledged, and then a crash of the database. */
await check(SETTINGS, async ({ url, openStore }) => {
  const store = await openStore();
  const held = await claimSome(store);
  await crashAfter(url, async () => {
    const ends = held.map(({ key, lease }) => store.finish(finishOf({ key, proof: lease }), Number.POSITIVE_INFINITY));
    for (const { kind } of await Promise.all(ends)) if (kind !== "ended") throw new Error("an end was refused");
  });
  const found = await Promise.all(held.map(({ key }) => read(store, key)));
  const lost = found.filter((record) => record?.state !== "completed");
  if (lost.length === 0) return null;
  return `${lost.length} of ${held.length} ends were acknowledged and are lost: a record is ${lost[0]?.state ?? "absent"}`;
});
