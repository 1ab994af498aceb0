import { expect, test } from "vitest";
import { type Cluster, createCluster } from "../../../../proof/sim/postgres/cluster.ts";
import { createVirtualTime, type VirtualTime } from "../../../../proof/sim/time.ts";
import type { Session } from "../../../../src/store/postgres/connection.ts";

const SERVER_TIME = { name: "server-time", text: "" };
const NOTIFY = { name: "notify", text: "" };
const LISTEN = { name: "holdfast_listen", text: "" };
const BEGIN = { name: "begin", text: "" };
const LOCK_HEAD = { name: "audit/lock-head", text: "" };

function openCluster(time: VirtualTime, latencyMs = () => 1, muted: ReadonlySet<string> = new Set()): Cluster {
  return createCluster({
    time,
    flaws: new Set(),
    observer: { changed: () => undefined, restored: () => undefined },
    ...{ latencyMs, flushMs: () => 1, isContended: () => false, isLost: () => false, tell: () => undefined },
    fateOf: (statement) => (muted.has(statement) ? "muted" : "well"),
  });
}

/** Lets time pass until it is there. */
async function soon<T>(time: VirtualTime, promise: Promise<T>): Promise<T> {
  let isThere = false;
  void promise.then(() => {
    isThere = true;
  });
  await time.run(() => isThere);
  return promise;
}

/** So much of it. */
async function pass(time: VirtualTime, ms: number): Promise<void> {
  await soon(time, time.sleep(ms));
}

test.each([1, 2, 3, 4, 5])(
  "what is sent on a connection arrives in its order, and so do the answers, to one that stood still too (%i)",
  async (seed) => {
    const time = createVirtualTime(seed);
    const cluster = openCluster(time, () => time.between(0, 80));
    const owner = time.process("server");
    const session = await soon(time, cluster.connect(owner, "lane"));
    const answered: number[] = [];
    const instants: number[] = [];
    const ask = (i: number) =>
      session.query<{ readonly now: number }>(SERVER_TIME, [null]).then(([row]) => {
        answered.push(i);
        instants[i] = row?.now ?? 0;
      });
    const all = [...Array(30).keys()].map(ask);
    owner.stall(300);
    await soon(time, Promise.all(all));
    expect(answered).toEqual([...answered.keys()]);
    expect(instants).toEqual(instants.toSorted((a, b) => a - b));
  },
);

test("nothing of a database that has crashed goes on, whether or not its client was there", async () => {
  const time = createVirtualTime(1);
  const cluster = openCluster(time);
  const owner = time.process("server");
  const session = await soon(time, cluster.connect(owner, "notifier"));
  cluster.freeze(1_000);
  const lost = expect(session.query(NOTIFY, [["from the dead"]])).rejects.toThrow();
  await pass(time, 100);
  session.drop(new Error("no answer"));
  await lost;
  cluster.crash(10, "restart");
  await pass(time, 100);
  const heard: string[] = [];
  const listener = await soon(
    time,
    cluster.connect(owner, "listener", (payload) => heard.push(payload)),
  );
  await soon(time, listener.query(LISTEN, []));
  await time.run(() => false);
  expect(heard).toEqual([]);
});

test("what arrived before its client went begins, or does not", async () => {
  const begun = new Set<number>();
  for (let seed = 1; seed <= 10; seed++) {
    const time = createVirtualTime(seed);
    const cluster = openCluster(time);
    const owner = time.process("server");
    const heard: string[] = [];
    const listener = await soon(
      time,
      cluster.connect(time.process("other"), "listener", (payload) => heard.push(payload)),
    );
    await soon(time, listener.query(LISTEN, []));
    const session = await soon(time, cluster.connect(owner, "lane"));
    cluster.freeze(1_000);
    const lost = ["first", "second"].map((payload) => expect(session.query(NOTIFY, [[payload]])).rejects.toThrow());
    await pass(time, 100);
    session.drop(new Error("no answer"));
    await Promise.all(lost);
    await time.run(() => false);
    expect(heard.slice(0, 1)).toEqual(["first"]);
    begun.add(heard.length);
  }
  expect(begun).toEqual(new Set([1, 2]));
});

test("a transaction of which nothing arrives any more keeps its locks until the database ends it", async () => {
  const time = createVirtualTime(1);
  const cluster = openCluster(time, () => 1, new Set(["commit"]));
  const session: Session = await soon(time, cluster.connect(time.process("server"), "operator"));
  await soon(time, session.query(BEGIN, []));
  await soon(time, session.query(LOCK_HEAD, []));
  const lost = expect(session.query({ name: "commit", text: "" }, [], 500)).rejects.toThrow();
  const sinceMs = time.nowMs();
  await pass(time, 1_000);
  await lost;
  expect(cluster.held()).toHaveLength(1);
  await time.run(() => false);
  expect(time.nowMs() - sinceMs).toBeGreaterThan(5_000);
  expect(cluster.held()).toEqual([]);
});
