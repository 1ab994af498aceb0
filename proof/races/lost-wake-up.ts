import { ROWS } from "./lost/rows.ts";
import type { Order, Race } from "./race.ts";
import { borrowed } from "./stand/mutation.ts";

const AT_ONCE = 200;

export const lostWakeUp: Race = {
  name: "lost-wake-up",
  what: "Completers, connections and holders break off before they have told who waits: everybody ends all the same, by the backstop within its bound.",
  orders: ROWS.map(({ name }): Order => ({ name, by: "force" })),
  trials: { short: 0, usual: 0, full: 0 },
  forced: { short: 40, usual: 200, full: 2_000 },
  async run(scene) {
    const { forced, tally } = scene;
    for (const { name, play } of ROWS) {
      for (let left = forced; left > 0 && !tally.isOver; left -= AT_ONCE) {
        tally.count(name, await play(scene, Math.min(AT_ONCE, left)));
      }
    }
  },
  controls: [
    {
      name: "no backstop",
      what: "reads nothing by itself",
      mutation: { limits: { backstopMs: Number.POSITIVE_INFINITY } },
    },
    borrowed("M8"),
  ],
};
