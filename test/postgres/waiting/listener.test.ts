import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { startTcpProxy, targetOf } from "../../support/tcp-proxy.ts";
import { complete, eavesdrop, hold, type Node, newKey, openNode, TOLD_ONLY, terminate, until, watch } from "./node.ts";

const isNotified = (node: Node) => () => node.status().mode === "notified";
const isPolling = (node: Node) => () => node.status().mode === "polling";
const warnings = ({ lines }: Node) => lines.filter(({ level }) => level === "warn");
const POLLING = "notifications from other servers do not arrive: waiters poll";
const BACK = "notifications from other servers arrive again";

/** The second probe after 5 s, and the 2 s that it is waited for; then some for a busy machine. */
const BLACK_HOLE_MS = 20_000;

let database: TestDatabase;
let url: string;
beforeAll(async () => {
  database = await createTestDatabase();
  ({ url } = database);
});
afterAll(() => database?.drop());

test("an end on one server is shown on another by its notification alone, and both count it", async () => {
  await using one = await openNode(url, { limits: TOLD_ONLY });
  await using other = await openNode(url, { limits: TOLD_ONLY });
  await until(isNotified(one));
  await until(isNotified(other));
  const key = newKey();
  const proof = await hold(one.store, key);
  const watching = await watch(other, key);
  await complete(one.store, key, proof);
  expect((await watching.ended).record?.state).toBe("completed");

  watching.leave();
  expect(await other.sample('holdfast_wakeup_seconds_count{path="notified"}')).toBe(1);
  for (const event of ["sent", "received"]) {
    await until(async () => (await one.sample(`holdfast_notifications_total{event="${event}"}`)) === 1);
  }
  expect(await one.sample('holdfast_wakeup_seconds_count{path="notified"}')).toBe(0);
  expect([...one.lines, ...other.lines]).toEqual([]);
});

describe("a listener that is terminated", () => {
  test("is replaced by itself, and what was waited for is read again at once", async () => {
    const { client: admin } = await eavesdrop(url);
    await using node = await openNode(url, { limits: TOLD_ONLY });
    await until(isNotified(node));
    const key = newKey();
    const proof = await hold(node.store, key);
    const watching = await watch(node, key);
    await complete(node.plain, key, proof);
    expect(watching.states).not.toContain("completed");

    expect(await terminate(admin, "listen holdfast")).toBe(1);
    await watching.ended;
    await until(isNotified(node));
    watching.leave();
    expect(node.lines).toMatchObject([
      { level: "warn", message: POLLING },
      { level: "info", message: BACK },
    ]);
    await admin.end();
  });

  test("is announced once however long it stays away, polls meanwhile, and reads all again when it is back", async () => {
    await using proxy = await startTcpProxy(targetOf(url));
    await using node = await openNode(url, { listenUrl: proxy.url(url), limits: { ...TOLD_ONLY, pollMs: 20 } });
    await until(isNotified(node));
    const [ended, open] = [newKey(), newKey()];
    const proof = await hold(node.store, ended);
    await hold(node.store, open);
    const watching = await watch(node, ended);
    const { leave } = await watch(node, open);

    await proxy.refuse();
    proxy.cut();
    await until(isPolling(node));
    await complete(node.plain, ended, proof);
    await watching.ended;
    watching.leave();
    expect(await node.sample('holdfast_listener_up{placement="main"}')).toBe(0);
    const readsBefore = node.reads.counts.peek;
    await until(() => node.reads.counts.peek > readsBefore + 10);
    expect(warnings(node)).toMatchObject([{ message: POLLING, fields: { pollMs: 20 } }]);

    await proxy.accept();
    await until(isNotified(node));
    expect(await node.sample('holdfast_listener_up{placement="main"}')).toBe(1);
    expect(node.lines.at(-1)).toMatchObject({ level: "info", message: BACK });
    leave();
  });

  test("leaves nobody who joined meanwhile without the news of it", async () => {
    await using proxy = await startTcpProxy(targetOf(url));
    await using node = await openNode(url, { listenUrl: proxy.url(url), limits: TOLD_ONLY });
    await until(isNotified(node));
    await proxy.refuse();
    proxy.cut();
    await until(isPolling(node));
    const key = newKey();
    const proof = await hold(node.store, key);
    const watching = await watch(node, key);
    await complete(node.plain, key, proof);
    expect(watching.states).not.toContain("completed");

    await proxy.accept();
    await watching.ended;
    watching.leave();
  });
});

test(
  "a connection that goes silent is found by the probe, replaced, and polled for meanwhile",
  async () => {
    await using proxy = await startTcpProxy(targetOf(url));
    await using node = await openNode(url, { listenUrl: proxy.url(url) });
    await until(isNotified(node));
    const key = newKey();
    const proof = await hold(node.store, key);
    const watching = await watch(node, key);
    proxy.hold("to-client");
    await until(isPolling(node));
    expect(warnings(node)).toMatchObject([
      { message: POLLING, fields: { error: { message: /did not arrive within/ } } },
    ]);
    await complete(node.plain, key, proof);
    await watching.ended;
    watching.leave();

    proxy.release();
    await until(isNotified(node));
    expect(node.lines.map(({ message }) => message)).toEqual([POLLING, BACK]);
  },
  BLACK_HOLE_MS,
);

describe("where notifications are not to be had, waiters poll and it is said once:", () => {
  const expectPolling = async (node: Node) => {
    await until(() => warnings(node).length > 0);
    const key = newKey();
    const proof = await hold(node.store, key);
    const watching = await watch(node, key);
    await complete(node.plain, key, proof);
    await watching.ended;
    watching.leave();
    expect(node.status().mode).toBe("polling");
    expect(node.lines).toMatchObject([{ level: "warn", message: POLLING }]);
  };

  test("a pooler that refuses LISTEN", async () => {
    let refused = 0;
    const rewrite = (chunk: Buffer) => {
      const at = chunk.indexOf("listen holdfast");
      if (at === -1) return chunk;
      refused++;
      return Buffer.concat([chunk.subarray(0, at), Buffer.from("refuse"), chunk.subarray(at + "listen".length)]);
    };
    await using proxy = await startTcpProxy(targetOf(url), { rewrite });
    await using node = await openNode(url, { listenUrl: proxy.url(url) });
    await until(() => refused >= 3);
    await expectPolling(node);
    expect(node.lines[0]?.fields).toMatchObject({ error: { code: "42601" } });
  });

  test("a place that accepts LISTEN and delivers the probes of others only, here another database", async () => {
    const elsewhere = await createTestDatabase();
    {
      await using node = await openNode(url, { listenUrl: elsewhere.url });
      await until(() => node.status().isConnected);
      await using neighbour = await openNode(elsewhere.url);
      await until(isNotified(neighbour));
      await expectPolling(node);
    }
    await elsewhere.drop();
  });

  test("a place where nobody answers", async () => {
    await using proxy = await startTcpProxy(targetOf(url));
    await proxy.refuse();
    await using node = await openNode(url, { listenUrl: proxy.url(url) });
    await expectPolling(node);
    expect(node.lines[0]?.fields).toMatchObject({ error: { code: "ECONNREFUSED" } });
    expect(node.status().isConnected).toBe(false);
  });
});

test("payloads that are not ours cost no read and no connection, and the next true one arrives", async () => {
  const { client: stranger } = await eavesdrop(url);
  await using node = await openNode(url, { limits: TOLD_ONLY });
  await until(isNotified(node));
  const key = newKey();
  const proof = await hold(node.store, key);
  const watching = await watch(node, key);
  const readsBefore = node.reads.counts.peek;
  const forged = ["", "x", "\u0001\n'", "probe forged", "é".repeat(16), "A".repeat(16), "x".repeat(7_999)];
  for (const payload of forged) await stranger.query("select pg_notify('holdfast', $1)", [payload]);
  await stranger.query("select pg_notify('holdfast', md5(i::text)) from generate_series(1, 20000) as i");

  const FORGED_IDS = 1 + 1 + 2 * 20_000; // Those that could be ours by their length.
  await until(async () => (await node.sample('holdfast_notifications_total{event="received"}')) === FORGED_IDS);
  expect(node.reads.counts.peek).toBe(readsBefore);
  await complete(node.store, key, proof);
  await watching.ended;
  watching.leave();
  expect(node.lines).toEqual([]);
  await stranger.end();
});

test("when it is disposed of nothing is said, and its sessions are gone", async () => {
  const { client: admin } = await eavesdrop(url);
  const node = await openNode(url);
  await until(isNotified(node));
  await node[Symbol.asyncDispose]();
  expect(node.lines).toEqual([]);
  await until(async () => {
    const { rowCount } = await admin.query(
      "select from pg_stat_activity where application_name = 'holdfast' and datname = current_database()",
    );
    return rowCount === 0;
  });
  await admin.end();
});
