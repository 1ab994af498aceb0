import { expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { startEmbeddedPostgres } from "../../src/server/embedded-postgres.ts";
import { withClient } from "../../src/store/postgres/connection.ts";
import { migrate } from "../../src/store/postgres/migrate.ts";
import { createDataDirectory } from "../support/data-directory.ts";
import { createTestDatabase } from "../support/database.ts";
import { startTcpProxy, targetOf } from "../support/tcp-proxy.ts";
import {
  BACK,
  DATABASE_BACK,
  type Heard,
  type ListeningScene,
  NO_DATABASE,
  openListeningScene,
  POLLING,
} from "./listening-scene.ts";
import { sumOf, untilSumIs } from "./metrics-page.ts";
import { until } from "./waiting-calls.ts";

/** The backstop allows 1.2 s, polling 0.3 s; the rest is for a busy machine. */
const ANSWER_MS_MAX = 5_000;
const SENT = 'holdfast_notifications_total{event="sent"}';
const DROPPED = 'holdfast_notifications_total{event="dropped"}';
const PROBES = "holdfast_listener_probe_seconds_count";
const RECEIVED = 'holdfast_notifications_total{event="received"}';

/** A database of a test's own, so that it hears of nobody else's records. */
async function useDatabase() {
  const { url, drop } = await createTestDatabase();
  return { url, [Symbol.asyncDispose]: drop };
}

/** Everybody was answered because the server looked for itself, which is what it says. */
async function expectPolled(scene: ListeningScene, { notified, polled }: Heard, keys: number): Promise<void> {
  expect(await scene.heard()).toMatchObject({ isListening: false, notified, polled: polled + keys, local: 0 });
  expect(await scene.readyz()).toMatchObject({ status: 200, waiting: "polling", checks: { database: true } });
  expectAnnounced(scene, POLLING, BACK).toBe(POLLING);
}

/** News arrive as before the fault. A look that was due anyway may come first, but not for ever. */
async function expectNotified(scene: ListeningScene): Promise<void> {
  for (let before = Number.NaN, after = Number.NaN; !(after > before); ) {
    await scene.untilReadyBy("notified");
    await untilSumIs([scene.here], 'holdfast_listener_up{placement="main"}', 1);
    before = (await scene.heard()).notified;
    expect(await (await scene.crowd(4)).complete()).toBeLessThan(ANSWER_MS_MAX);
    after = (await scene.heard()).notified;
  }
}

/** What was logged of this trouble last. It is said once, however long it lasts, and so is its end. */
function expectAnnounced(scene: ListeningScene, trouble: string, over: string) {
  const said = scene.announced(trouble, over);
  expect(said).toEqual(said.map((_, i) => (i % 2 === 0 ? trouble : over)));
  return expect(said.at(-1));
}

/** Each end was told of once on this server, and the trouble is over. */
async function expectAllTold(scene: ListeningScene): Promise<void> {
  const { notified, polled, local } = await scene.heard();
  expect({ told: notified + polled, local }).toEqual({ told: scene.completed, local: 0 });
  await until(() => scene.announced(POLLING, BACK).at(-1) === BACK);
  expectAnnounced(scene, POLLING, BACK).toBe(BACK);
}

/** The other server has notified of each end, or says that it could not. */
async function expectAllSent({ there, completed }: ListeningScene): Promise<void> {
  await until(async () => (await sumOf([there], SENT)) + (await sumOf([there], DROPPED)) === completed);
}

test.concurrent("while a listener is black-holed, noticed or not, nobody waits for longer than the backstop allows", async () => {
  await using database = await useDatabase();
  await using proxy = await startTcpProxy(targetOf(database.url));
  await using scene = await openListeningScene({ databaseUrl: database.url, listenUrl: proxy.url(database.url) });
  await expectNotified(scene);
  const [unnoticed, noticed] = [await scene.crowd(8), await scene.crowd(4)];

  // Right after a probe: it takes the next one, 5 s later, to notice.
  const probes = await sumOf([scene.here], PROBES);
  await until(async () => (await sumOf([scene.here], PROBES)) > probes);
  proxy.hold();
  const before = await scene.heard();
  expect(await unnoticed.complete()).toBeLessThan(ANSWER_MS_MAX);
  await scene.untilReadyBy("polling");
  const newcomers = await scene.crowd(4);
  const [ofNoticed, ofNewcomers] = [noticed.complete(), newcomers.complete()];
  expect(Math.max(await ofNoticed, await ofNewcomers)).toBeLessThan(ANSWER_MS_MAX);
  await expectPolled(scene, before, 16);

  proxy.release();
  await expectNotified(scene);
  await expectAllTold(scene);
  await expectAllSent(scene);
});

test.concurrent("while a listener that was killed is kept away, all are answered, and again when it is killed at the end of a record", async () => {
  await using database = await useDatabase();
  await using proxy = await startTcpProxy(targetOf(database.url));
  const listenUrl = named(proxy.url(database.url), "listener");
  await using scene = await openListeningScene({ databaseUrl: database.url, listenUrl });
  await expectNotified(scene);
  const early = await scene.crowd(8);

  await proxy.refuse();
  await killListener(database.url);
  await scene.untilReadyBy("polling");
  const before = await scene.heard();
  const newcomers = await scene.crowd(8);
  expect(Math.max(await early.complete(), await newcomers.complete())).toBeLessThan(ANSWER_MS_MAX);
  await expectPolled(scene, before, 16);
  await proxy.accept();
  await expectNotified(scene);

  for (let kill = 1; kill <= 5; kill++) {
    const crowd = await scene.crowd(4);
    const said = scene.announced(POLLING, BACK).length;
    const [longestMs] = await Promise.all([crowd.complete(), killListener(database.url)]);
    expect(longestMs).toBeLessThan(ANSWER_MS_MAX);
    await until(() => scene.announced(POLLING, BACK).length >= said + 2);
  }
  await expectNotified(scene);
  await expectAllTold(scene);
  await expectAllSent(scene);
});

test.concurrent("while the database restarts or crashes nobody who waits is lost, and all are answered soon after it is back", async () => {
  await using stack = new AsyncDisposableStack();
  const { path: dataDirectory, remove } = createDataDirectory();
  stack.defer(remove);
  const log = { info: () => undefined, warn: () => undefined };
  const start = () => startEmbeddedPostgres({ dataDirectory, log, clock: systemClock });
  let postgres = await start();
  stack.defer(() => postgres.stop());
  const { url: databaseUrl } = postgres;
  await withClient({ url: databaseUrl }, (client) => migrate(client));
  await using scene = await openListeningScene({ databaseUrl });
  await expectNotified(scene);

  for (const signal of ["SIGINT", "SIGQUIT"] as const) {
    const crowd = await scene.crowd(20);
    process.kill(postgres.pid, signal);
    await postgres.exited;
    await postgres.stop();
    await until(async () => {
      const { status, waiting, checks } = await scene.readyz();
      return status === 503 && waiting === "polling" && !checks.database;
    });
    expect(await scene.heard()).toMatchObject({ isListening: false });
    const completing = crowd.complete({ persist: true });
    postgres = await start();
    expect(postgres.url).toBe(databaseUrl);
    expect(await completing).toBeLessThan(ANSWER_MS_MAX);
    await scene.untilConnected();
    await expectNotified(scene);
    await until(() => scene.announced(NO_DATABASE, DATABASE_BACK).at(-1) === DATABASE_BACK);
    expectAnnounced(scene, NO_DATABASE, DATABASE_BACK).toBe(DATABASE_BACK);
  }
  await expectAllTold(scene);
});

test.concurrent.each([
  { pooler: "refuses LISTEN", instead: "refuse holdfast" },
  { pooler: "accepts LISTEN and delivers nothing", instead: "listen the_deaf" },
])(
  "behind a pooler that $pooler all who wait poll, which is said once, until it is one no more",
  async ({ instead }) => {
    await using database = await useDatabase();
    let isPooler = true;
    let attempts = 0;
    const rewrite = (chunk: Buffer) => {
      const at = chunk.indexOf(LISTEN);
      if (at === -1 || !isPooler) return chunk;
      attempts++;
      return Buffer.concat([chunk.subarray(0, at), Buffer.from(instead), chunk.subarray(at + LISTEN.length)]);
    };
    await using proxy = await startTcpProxy(targetOf(database.url), { rewrite });
    await using scene = await openListeningScene({ databaseUrl: database.url, listenUrl: proxy.url(database.url) });
    const early = await scene.crowd(10);
    await until(() => attempts >= 2);
    const late = await scene.crowd(10);
    expect(Math.max(await early.complete(), await late.complete())).toBeLessThan(ANSWER_MS_MAX);
    await until(() => attempts >= 3);
    await expectPolled(scene, { isListening: false, received: 0, notified: 0, polled: 0, local: 0 }, 20);
    expect(await scene.heard()).toMatchObject({ received: 0 });

    isPooler = false;
    await expectNotified(scene);
    expect(await sumOf([scene.here], RECEIVED)).toBeGreaterThan(0);
    await expectAllTold(scene);
    await expectAllSent(scene);
  },
);

const LISTEN = "listen holdfast";

/** By what the sessions of this server's listener are told from all others. */
function named(url: string, name: string): string {
  return `${url}${url.includes("?") ? "&" : "?"}application_name=${name}`;
}

/** As an operator does it. */
async function killListener(url: string): Promise<void> {
  await withClient({ url }, (admin) =>
    until(async () => {
      const { rowCount } = await admin.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'listener' and query = $1",
        [LISTEN],
      );
      return rowCount === 1;
    }),
  );
}
