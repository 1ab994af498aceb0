import { systemClock } from "../../src/clock.ts";
import type { StoredRecord } from "../../src/domain/record.ts";
import { openSession } from "../../src/store/postgres/connection.ts";
import { claimIdOf } from "../../test/support/records.ts";
import type { Order, Race, Scene } from "./race.ts";
import { borrowed } from "./stand/mutation.ts";
import { complete, missing, seesEnd } from "./stand/onlookers.ts";
import { holdAll } from "./stand/records.ts";
import { until, within } from "./stand/rows.ts";
import { openServer, type Server } from "./stand/server.ts";
import { ROWS, type Stage } from "./waits/rows.ts";

const FOUND = "free: the end finds the flag";
const BEFORE = "free: the end comes before the flag";

/** Of the simulation, where they are put between the same parts. */
const BORROWED = ["M5", "M7", "S3"];

export const waitAgainstComplete: Race = {
  name: "wait-complete",
  what: "Waits and ends of the same records, let go together, without a backstop: nobody misses an end.",
  orders: [
    ...[FOUND, BEFORE].map((name): Order => ({ name, by: "chance" })),
    ...ROWS.map(({ name }): Order => ({ name, by: "force" })),
  ],
  trials: { short: 2_000, usual: 10_000, full: 100_000 },
  forced: { short: 20, usual: 100, full: 1_000 },
  async run(scene) {
    const { url, mutation } = scene;
    await using a = await openServer(url, { mutation });
    await using b = await openServer(url, { mutation });
    await raceFreely(scene, [a, b]);
    await forceAll(scene, [a, b]);
    if (scene.tally.isOver) return;
    // Nobody was helped by a listener that came back and had all read again.
    if (a.listened + b.listened !== 2) scene.tally.spoil("a listener came back, and had all read again");
    const isEmpty = ({ hub }: Server) => hub.status().waiters === 0 && hub.status().keys === 0;
    const areEmpty = await within(
      scene.patienceMs,
      until(() => isEmpty(a) && isEmpty(b)),
    );
    if (!areEmpty) scene.tally.violate("waiters are left in a hub although all have ended");
  },
  controls: [
    ...BORROWED.map(borrowed),
    {
      name: "M6",
      what: "flags a record whatever has become of it since it was read",
      mutation: {
        rewrites: [
          {
            statement: "watch",
            from: "and k.state in (1, 2, 5)\nand k.state = c.state\nand k.fence = c.fence",
            to: "",
          },
        ],
      },
    },
  ],
};

type Servers = readonly [Server, Server];

const AT_ONCE = 128;
const ROUNDS_AT_ONCE = 4;

/** Wait and end are let go together; who waits, who ends and how long that takes is by lot. */
async function raceFreely(scene: Scene, servers: Servers): Promise<void> {
  const { chance, trials, tally, patienceMs } = scene;
  // About as long as a waiter takes until its flag is set, which is for the machine to say.
  let spreadMs = 100;
  let played = 0;
  const by = () => chance.pick(servers);

  const round = async () => {
    const count = Math.min(AT_ONCE, trials - played);
    played += count;
    const records = await holdAll(by().dying, count);
    let flagged = 0;
    const waits = records.map(async (record) => {
      const [waiter, completer] = [by(), by()];
      const ending = systemClock.sleep(chance.between(0, spreadMs)).then(() => complete(completer.store, record));
      await systemClock.sleep(chance.between(0, 5));
      await waitSomehow(scene, record, waiter, by());
      const isFlagged = await ending;
      tally.count(isFlagged ? FOUND : BEFORE);
      if (isFlagged) flagged++;
    });
    const missed = await missing(waits, patienceMs);
    for (let i = 0; i < missed; i++) tally.violate(`a wait did not end within ${patienceMs} ms, in a free trial`);
    spreadMs *= flagged < count / 2 ? 1.25 : 0.8;
  };

  // Some at once: while one prepares, others race.
  const rounds = async () => {
    while (played < trials && !tally.isOver) await round();
  };
  await Promise.all(Array.from({ length: ROUNDS_AT_ONCE }, rounds));
  tally.figure("spread of the ends at last, in ms", Math.round(spreadMs));
}

/** A claim that waits, a call of WaitFor, an onlooker at the hub, or two of them on whichever servers. */
async function waitSomehow({ chance, tally }: Scene, { key }: StoredRecord, one: Server, other: Server): Promise<void> {
  switch (chance.whole(0, 3)) {
    case 0: {
      const { kind } = await one.claim(key, claimIdOf("waiter"));
      if (kind !== "completed") tally.violate(`${key.key}: a claim that waited for the end was told ${kind}`);
      return;
    }
    case 1: {
      const told = await one.waitFor(key);
      if (told !== "completed") tally.violate(`${key.key}: a WaitFor was told ${told} at its end`);
      return;
    }
    case 2:
      await Promise.all([seesEnd(one, key), seesEnd(other, key)]);
      return;
    default:
      await seesEnd(one, key);
  }
}

const FORCE_MS_MAX = 120_000;
/** On each of two servers, and so many at a time. */
const FORCE_AT_ONCE = 200;

async function forceAll({ url, forced, patienceMs, tally }: Scene, [a, b]: Servers): Promise<void> {
  const other = await openSession({ url, clock: systemClock });
  const stages: readonly Stage[] = [
    { waiter: a, completer: b, other, patienceMs },
    { waiter: b, completer: a, other, patienceMs },
  ];
  const play = async ({ name, play }: (typeof ROWS)[number]) => {
    for (let left = forced, turn = 0; left > 0 && !tally.isOver; turn++) {
      const stage = stages[turn % 2] as Stage;
      const { hit, missed } = await play(
        stage,
        Math.min(FORCE_AT_ONCE, Math.max(AT_LEAST, Math.ceil(left / (2 - (turn % 2))))),
      );
      tally.count(name, hit);
      for (let i = 0; i < missed; i++) tally.violate(`a wait did not end within ${patienceMs} ms, where ${name}`);
      if (hit === 0) return tally.spoil(`could not be forced: ${name}`);
      left -= hit;
    }
  };
  for (const row of ROWS) {
    if (tally.isOver) break;
    if (!(await within(FORCE_MS_MAX, play(row)))) tally.spoil(`did not come to an end: ${row.name}`);
  }
  await other.close();
}
/** Or notifications would have nobody to tell of together. */
const AT_LEAST = 10;
