import type pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import type { Connection } from "../../../src/store/postgres/connection.ts";
import { createDatabase } from "../../../src/store/postgres/database.ts";
import { createPostgresNotifier, type PostgresNotifier } from "../../../src/waiting/postgres/notifier.ts";
import { fromPayload, wakeId } from "../../../src/waiting/wake-id.ts";
import { createEmptyDatabase, type TestDatabase } from "../../support/database.ts";
import { startTcpProxy, targetOf } from "../../support/tcp-proxy.ts";
import { eavesdrop, terminate, until } from "./node.ts";

let database: TestDatabase;
let url: string;
beforeAll(async () => {
  database = await createEmptyDatabase();
  ({ url } = database);
});
afterAll(() => database?.drop());

interface Scene extends AsyncDisposable {
  readonly notifier: PostgresNotifier;
  /** Ids as the observer has counted them, and statements. */
  readonly counts: { sent: number; dropped: number; statements: number };
  /** What a stranger has heard. */
  readonly payloads: readonly string[];
  readonly admin: pg.Client;
}

/** A notifier on a lane of its own, which is open, at this address. */
async function openScene(address = url): Promise<Scene> {
  const sessions = createDatabase({ url: address, clock: systemClock, random: Math.random });
  const lane = sessions.lanes(1);
  const counts = { sent: 0, dropped: 0, statements: 0 };
  const notifier = createPostgresNotifier({
    run: <T>(work: (connection: Connection) => Promise<T>) =>
      lane.run(0, (connection) => {
        counts.statements++;
        return work(connection);
      }),
    clock: systemClock,
    observer: {
      notificationsSent(ids) {
        counts.sent += ids;
      },
      notificationsDropped(ids) {
        counts.dropped += ids;
      },
    },
  });
  const { client: admin, payloads } = await eavesdrop(url);
  await until(async () => {
    return await notifier.probe("opened").then(
      () => true,
      () => false,
    );
  });
  await until(() => payloads.length > 0);
  payloads.length = 0;
  counts.statements = 0;
  return {
    ...{ notifier, counts, payloads, admin },
    async [Symbol.asyncDispose]() {
      await notifier[Symbol.asyncDispose]();
      await sessions.close();
      await admin.end();
    },
  };
}

const id = (name: string | number) => wakeId({ tenant: "default", scope: "notifier", key: String(name) });
const ids = (count: number) => Array.from({ length: count }, (_, i) => id(i));
const heard = ({ payloads }: Scene) => payloads.flatMap(fromPayload);

test("a thousand notifications go in few statements, each id once, in payloads that Postgres takes", async () => {
  await using scene = await openScene();
  const { notifier, counts, payloads } = scene;
  for (const one of [...ids(1_000), ...ids(1_000)]) notifier.notify(one);
  await until(() => counts.sent === 1_000);
  await until(() => heard(scene).length === 1_000);
  expect(new Set(heard(scene))).toEqual(new Set(ids(1_000)));
  expect(counts.statements).toBe(1);
  expect(payloads).toHaveLength(3); // 493 ids each.
  expect(Math.max(...payloads.map((payload) => payload.length))).toBeLessThan(8_000);
});

test("what comes while a statement is under way goes in the next", async () => {
  await using scene = await openScene();
  const { notifier, counts } = scene;
  for (const one of ids(200)) {
    notifier.notify(one);
    await systemClock.turn();
  }
  await until(() => counts.sent === 200 && heard(scene).length === 200);
  expect(counts.statements).toBeLessThan(200);
  expect(counts).toMatchObject({ sent: 200, dropped: 0 });
});

test("a probe arrives as it was sent", async () => {
  const { notifier, payloads, [Symbol.asyncDispose]: close } = await openScene();
  await notifier.probe("a probe: é'\n");
  await until(() => payloads.length === 1);
  expect(payloads).toEqual(["a probe: é'\n"]);
  await close();
});

test("what was collected is sent before it closes, and what comes later is dropped", async () => {
  const scene = await openScene();
  const { notifier, counts } = scene;
  for (const one of ids(10)) notifier.notify(one);
  await notifier[Symbol.asyncDispose]();
  expect(counts.sent).toBe(10);
  notifier.notify(id("late"));
  expect(counts).toMatchObject({ sent: 10, dropped: 1 });
  await until(() => heard(scene).length === 10);
  await scene[Symbol.asyncDispose]();
});

describe("a connection that is lost", () => {
  test("costs what was on its way, which is dropped and counted; it goes on with the next", async () => {
    await using proxy = await startTcpProxy(targetOf(url));
    await using scene = await openScene(proxy.url(url));
    const { notifier, counts } = scene;
    proxy.hold("to-server");
    notifier.notify(id("lost"));
    await until(() => counts.statements === 1);
    notifier.notify(id("next"));
    proxy.cut();
    proxy.release();
    await until(() => counts.dropped === 1);
    await until(() => counts.sent === 1 && heard(scene).length === 1);
    expect(heard(scene)).toEqual([id("next")]);
    expect(counts).toEqual({ sent: 1, dropped: 1, statements: 2 });
  });

  test("and does not come back costs what would have gone, and holds nobody up when it does come back", async () => {
    await using proxy = await startTcpProxy(targetOf(url));
    await using scene = await openScene(proxy.url(url));
    const { notifier, counts } = scene;
    await proxy.refuse();
    proxy.cut();
    await until(() => proxy.connections === 0);
    for (const one of ids(1_000)) notifier.notify(one);
    await until(() => counts.dropped === 1_000);
    await expect(notifier.probe("refused")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });

    await proxy.accept();
    await until(() => {
      notifier.notify(id("again"));
      return counts.sent > 0;
    });
    await until(() => heard(scene).length > 0);
    expect(new Set(heard(scene))).toEqual(new Set([id("again")]));
  });

  test("again and again loses no count: every id was sent or dropped", async () => {
    await using scene = await openScene();
    const { notifier, counts, admin } = scene;
    for (let round = 0; round < 10; round++) {
      const ended = terminate(admin, "%pg_notify%");
      for (let i = 0; i < 20; i++) {
        notifier.notify(id(`${round} ${i}`));
        await systemClock.turn();
      }
      await ended;
    }
    await until(() => counts.sent + counts.dropped === 200);
    await until(() => {
      notifier.notify(id("after all")); // The last session may be about to end.
      return heard(scene).includes(id("after all"));
    });
  });
});
