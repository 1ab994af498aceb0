import { createWakingStore } from "../../src/waiting/waking-store.ts";
import type { Going } from "./promotion/callers.ts";
import { force, ROWS } from "./promotion/rows.ts";
import { raceFreely } from "./promotion/trials.ts";
import type { Order, Race } from "./race.ts";
import { borrowed } from "./stand/mutation.ts";
import { openServer } from "./stand/server.ts";

const ORDERS = {
  "left-first": { name: "the caller leaves before it is promoted", by: "chance" },
  "left-under-way": { name: "the caller leaves while its claim is under way: the lease is given back", by: "chance" },
  "left-unanswered": {
    name: "the caller leaves while its answer is on the way: the lease is given back",
    by: "chance",
    shareMin: 0,
  },
  answered: { name: "the caller is answered, and keeps the lease", by: "chance" },
  late: { name: "another is promoted, and ends the record", by: "chance", shareMin: 0 },
} as const satisfies Partial<Record<Going, Order>>;

export const promotionAgainstCancellation: Race = {
  name: "promotion-cancellation",
  what: "A caller leaves in the instant in which it is promoted: it keeps the lease or it is given back, and nobody waits for ever.",
  orders: [...Object.values(ORDERS), ...ROWS.map(({ name }): Order => ({ name, by: "force" }))],
  trials: { short: 1_000, usual: 5_000, full: 50_000 },
  forced: { short: 20, usual: 100, full: 1_000 },
  async run(scene) {
    const { url, mutation, tally } = scene;
    let givenBack = 0;
    const observer = { gaveBack: () => void givenBack++ };
    await using a = await openServer(url, { mutation, observer });
    await using b = await openServer(url, { mutation, observer });
    const stage = { a, b };
    for (const row of ROWS) if (!tally.isOver) tally.count(row.name, await force(row, scene, stage));
    await raceFreely(scene, stage, ({ leaver: { going } }) => {
      if (going === "claim-ended") tally.violate("a first call was told that its claim has ended");
      else tally.count(ORDERS[going].name);
    });
    tally.figure("leases given back", givenBack);
  },
  controls: [
    {
      name: "no give-back",
      what: "keeps the lease of a promoted claim whose caller has gone",
      mutation: {
        server: () => ({
          waking(deps) {
            const store = createWakingStore(deps);
            return {
              ...store,
              async finish(call, deadline) {
                if (call.onlyIfDue === null) return store.finish(call, deadline);
                return { kind: "fault", code: "INVALID_STATE", now: (await store.peek(call.key, deadline)).now };
              },
            };
          },
        }),
      },
    },
    borrowed("S6"),
  ],
};
