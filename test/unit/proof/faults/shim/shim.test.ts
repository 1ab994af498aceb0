import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { compileShim } from "../../../../../proof/faults/shim/compile.ts";
import { type Shim, startShim } from "../../../../../proof/faults/shim/shim.ts";

const run = promisify(execFile);

/** A program that lives in a directory of its own, as Postgres does, with a shim between it and its files. */
interface Scene {
  readonly shim: Shim;
  readonly directory: string;
  /** Runs these lines of JavaScript; answers what they hand to `tell`. */
  program(lines: string): Promise<unknown>;
}

async function openScene(): Promise<Scene> {
  const shim = await startShim();
  onTestFinished(() => shim[Symbol.asyncDispose]());
  const directory = await mkdtemp(join(tmpdir(), "holdfast-shim-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  await mkdir(join(directory, "pg_wal"));
  return {
    ...{ shim, directory },
    async program(lines) {
      const text = `const fs = require("node:fs"); const tell = (it) => console.log(JSON.stringify(it)); ${PROGRAM} ${lines}`;
      const { stdout } = await run(process.execPath, ["-e", text], { cwd: directory, env: shim.env });
      return stdout === "" ? undefined : JSON.parse(stdout);
    },
  };
}

const PROGRAM = `
  const codeOf = (act) => { try { act(); return "done"; } catch (error) { return error.code; } };
  const put = (name, text, at) => {
    const file = fs.openSync(name, fs.constants.O_WRONLY | fs.constants.O_CREAT);
    fs.writeSync(file, text, at);
    return file;
  };`;

const compiled = await compileShim();

describe.skipIf(compiled.kind === "missing")(
  `the shim${compiled.kind === "missing" ? `: ${compiled.why}` : ""}`,
  () => {
    test("makes syncs as slow as is said, while the program runs", async () => {
      const { shim, program } = await openScene();
      const lines = `
      const file = put("data", "x", 0);
      const time = (act) => { const ms = performance.now(); act(); return performance.now() - ms; };
      tell([time(() => fs.fsyncSync(file)) >= 300, time(() => fs.fdatasyncSync(file)) >= 300]);`;
      shim.delaySyncs(300);
      expect(await program(lines)).toEqual([true, true]);
      expect(shim.done.syncsDelayed).toBe(2);
      shim.delaySyncs(0);
      await program(lines);
      expect(shim.done.syncsDelayed).toBe(2);
    });

    test("lets nothing grow on the volume that is full, the log's or the rest's, and what is there be overwritten", async () => {
      const { shim, program } = await openScene();
      const lines = `
      const names = ["pg_wal/segment", "data"];
      tell(names.map((name) => [
        codeOf(() => put(name, "abcd", 0)),
        codeOf(() => put(name, "ABCD", 0)),
        codeOf(() => put(name, "e", 4)),
        codeOf(() => fs.appendFileSync(name, "e")),
        codeOf(() => fs.truncateSync(name, 100)),
      ]));`;
      const elsewhere = join((await openScene()).directory, "file");
      const inPlace = ["done", "done", ...Array(3).fill("ENOSPC")];
      await program(`put("pg_wal/segment", "abcd", 0); put("data", "abcd", 0);`);
      shim.fill("wal");
      expect(await program(lines)).toEqual([inPlace, Array(5).fill("done")]);
      shim.fill("data");
      expect(await program(`tell(codeOf(() => put("new", "x", 0)))`)).toBe("ENOSPC");
      expect(await program(`tell(codeOf(() => put("pg_wal/new", "x", 0)))`)).toBe("done");
      expect(await program(`tell(codeOf(() => put(${JSON.stringify(elsewhere)}, "x", 0)))`)).toBe("done");
      expect(shim.done.writesRefused).toBe(4);
      shim.fill(null);
      expect(await program(lines)).toEqual([Array(5).fill("done"), Array(5).fill("done")]);
    });

    test("moves the wall clock, forwards and back, and never the monotonic one", async () => {
      const { shim, program } = await openScene();
      const read = async () =>
        (await program("tell([Date.now(), Number(process.hrtime.bigint())])")) as [number, number];
      const hour = 3_600_000;
      for (const ms of [hour, -hour, 0]) {
        shim.shiftClock(ms);
        const before = [Date.now(), Number(process.hrtime.bigint())] as const;
        const [wall, monotonic] = await read();
        expect(wall - ms).toBeGreaterThanOrEqual(before[0] - 1);
        expect(wall - ms).toBeLessThanOrEqual(Date.now() + 1);
        expect(monotonic).toBeGreaterThan(before[1]);
        expect(monotonic).toBeLessThan(Number(process.hrtime.bigint()));
      }
    });

    test("undoes with the power whatever was not synced: contents, growth and cuts, in the order of time", async () => {
      const { shim, directory, program } = await openScene();
      const read = (name: string) => readFile(join(directory, name), "utf8");
      await program(`
      fs.fsyncSync(put("synced", "kept", 0));
      const file = put("both", "first", 0);
      fs.fdatasyncSync(file);
      fs.writeSync(file, "SECOND", 2);
      fs.writeSync(file, "--", 0);
      fs.ftruncateSync(file, 3);
      fs.writeSync(file, "x".repeat(50_000), 1);
      fs.writevSync(file, [Buffer.from("a"), Buffer.from("b")], 10);
      put("never", "anything", 0);
      fs.renameSync("never", "renamed");`);
      expect(await read("both")).toMatch(/^-x{9}abx+$/);
      const { reverted } = await shim.losePower(directory);
      expect(reverted).toBe(6);
      expect([await read("synced"), await read("both"), await read("renamed")]).toEqual(["kept", "first", ""]);
      expect(await shim.losePower(directory)).toEqual({ reverted: 0 });
    });

    test("lets the first of the unsynced writes survive, as many as is said", async () => {
      const { shim, directory, program } = await openScene();
      await program(`const file = put("log", "a", 0); for (const i of [1, 2, 3]) fs.writeSync(file, String(i), i);`);
      expect(await shim.losePower(directory, (writes) => writes - 1)).toEqual({ reverted: 1 });
      expect(await readFile(join(directory, "log"), "utf8")).toBe("a12");
    });

    test("does not take a file for one that had its inode before", async () => {
      const { shim, directory, program } = await openScene();
      await program(`
      for (let i = 0; i < 20; i++) { put("old", "unsynced", 0); fs.unlinkSync("old"); }
      fs.fsyncSync(put("new", "synced", 0));`);
      await shim.losePower(directory);
      expect(await readFile(join(directory, "new"), "utf8")).toBe("synced");
    });

    test("ends a program that it cannot serve, instead of doing nothing", async () => {
      const { shim } = await openScene();
      const env = { ...shim.env, HOLDFAST_SHIM: "/nowhere" };
      await expect(run("/bin/sh", ["-c", "echo on"], { env })).rejects.toMatchObject({
        stderr: "shim: /nowhere/control: No such file or directory\n",
      });
    });
  },
);

describe("without a compiler", () => {
  test("it is missing, and says why", async () => {
    const cache = await mkdtemp(join(tmpdir(), "holdfast-shim-cache-"));
    onTestFinished(() => rm(cache, { recursive: true }));
    const without = await compileShim({ cache, compiler: "no-such-compiler" });
    const failing = await compileShim({ cache, compiler: "false" });
    if (process.platform === "linux") {
      expect(without).toEqual({ kind: "missing", why: "there is no C compiler (no-such-compiler)" });
      expect(failing).toMatchObject({ kind: "missing", why: expect.stringMatching(/^false does not compile it: /) });
    } else {
      expect(without).toMatchObject({ kind: "missing", why: expect.stringMatching(/Linux/) });
    }
  });
});
