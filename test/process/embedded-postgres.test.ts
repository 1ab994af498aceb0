import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, chown, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { identify, poll } from "../../src/server/embedded-postgres/process.ts";
import { directory, ends, hold, query, start } from "../support/embedded.ts";

describe("one process", () => {
  test("starts on an empty directory, durable, and keeps what was written over a stop", async () => {
    const path = directory();
    const first = await start(path);
    expect(first).toMatchObject({ owner: true, version: expect.stringMatching(/^18\./) });
    expect(await query(first.url, "select current_setting('fsync'), current_setting('synchronous_commit')")).toEqual([
      "on",
      "on",
    ]);
    expect(await query(first.url, "select current_setting('listen_addresses')")).toEqual([""]);
    await query(first.url, "create table kept as select 7 as n");
    await first.stop();
    await first.exited;
    expect(await identify(first.pid)).toBeUndefined();
    const second = await start(path);
    expect(second.url).toBe(first.url);
    expect(await query(second.url, "select n from kept")).toEqual([7]);
    await second.stop();
  });

  test("leaves no process, no socket and no lock behind", async () => {
    const path = directory();
    const server = await start(path);
    const sockets = new URL(server.url).searchParams.get("host") ?? "";
    expect((await stat(sockets)).mode & 0o777).toBe(0o700);
    const children = (await query(server.url, "select pid from pg_stat_activity")) as readonly number[];
    await server.stop();
    for (const pid of [server.pid, ...children]) expect(await ends(pid)).toBe(true);
    await expect(access(sockets)).rejects.toMatchObject({ code: "ENOENT" });
    expect(await readdir(join(path, "users"))).toEqual([]);
  });

  test("is told when the server ends by itself, whether it started it or joined it", async () => {
    const path = directory();
    const owner = await start(path);
    const joined = await start(path);
    process.kill(owner.pid, "SIGQUIT");
    await Promise.all([owner.exited, joined.exited]);
    await Promise.all([owner.stop(), joined.stop()]);
  });
});

describe("several processes", () => {
  test("the second joins, and the last one ends the server, whichever that is", async () => {
    const path = directory();
    const owner = hold(path);
    const { pid, url } = await owner.said;
    const joined = hold(path);
    expect(await joined.said).toMatchObject({ owner: false, pid, url });
    const another = hold(path);
    await another.said;
    await another.end();
    expect(await query(url, "select 1")).toEqual([1]);
    await owner.end();
    expect(await query(url, "select 1")).toEqual([1]);
    await joined.end();
    expect(await identify(pid)).toBeUndefined();
  });

  test("that start at the same moment on an empty directory all get the one server", async () => {
    const path = directory();
    const holders = Array.from({ length: 4 }, () => hold(path));
    const said = await Promise.all(holders.map((holder) => holder.said));
    expect(said.filter(({ owner }) => owner)).toHaveLength(1);
    expect(new Set(said.map(({ pid }) => pid)).size).toBe(1);
    for (const { url } of said) expect(await query(url, "select 1")).toEqual([1]);
    await Promise.all(holders.map((holder) => holder.end()));
    expect(await identify(said[0]?.pid ?? 0)).toBeUndefined();
  });
});

describe("after a crash", () => {
  test("of the process that started it the server goes on; the next start joins it, and ends it", async () => {
    const path = directory();
    const owner = hold(path);
    const { pid, url } = await owner.said;
    await query(url, "create table kept as select 7 as n");
    await owner.kill();
    const next = await start(path);
    expect(next).toMatchObject({ owner: false, pid });
    expect(await query(next.url, "select n from kept")).toEqual([7]);
    await next.stop();
    expect(await identify(pid)).toBeUndefined();
  });

  test("of everything the next start recovers what was committed", async () => {
    const path = directory();
    const owner = hold(path);
    const { pid, url } = await owner.said;
    await query(url, "create table kept as select 7 as n");
    await owner.kill();
    process.kill(pid, "SIGKILL");
    expect(await ends(pid)).toBe(true);
    const next = await start(path);
    expect(next).toMatchObject({ owner: true });
    expect(await query(next.url, "select n from kept")).toEqual([7]);
    await next.stop();
  });

  test("while the cluster was being made the next start makes it anew", async () => {
    const path = directory();
    const cut = hold(path);
    const begun = () =>
      readdir(path).then((names) => names.some((name) => name.startsWith("postgres.new-")) || undefined);
    await poll(systemClock, { everyMs: 5, withinMs: 10_000 }, () => begun().catch(() => undefined));
    await cut.kill();
    expect(await readdir(path)).not.toContain("postgres");
    const next = await start(path);
    expect(await query(next.url, "select 1")).toEqual([1]);
    await next.stop();
    expect((await readdir(path)).filter((name) => name.startsWith("postgres.new-"))).toEqual([]);
  });

  test.for(["dead", "another program's"])("a postmaster.pid whose process is %s is no obstacle", async (whose) => {
    const path = directory();
    const first = await start(path);
    const pidFile = join(path, "postgres/postmaster.pid");
    const { uid, gid } = await stat(pidFile);
    const content = await readFile(pidFile, "utf8");
    await first.stop();
    const other = spawn("sleep", ["60"]);
    await once(other, "spawn");
    const exit = once(other, "exit");
    if (whose === "dead") {
      other.kill();
      await exit;
    }
    await writeFile(pidFile, content.replace(/^\d+/, String(other.pid)), { mode: 0o600 });
    await chown(pidFile, uid, gid);
    const next = await start(path);
    expect(next.owner).toBe(true);
    expect(await query(next.url, "select 1")).toEqual([1]);
    await next.stop();
    if (whose !== "dead") {
      expect(other.exitCode ?? other.signalCode).toBeNull();
      other.kill();
      await exit;
    }
  });
});
