import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { identify } from "../../src/server/embedded-postgres/process.ts";
import { directory, hold, query, start } from "../support/embedded.ts";
import { createInstallation } from "../support/installation.ts";

const isRoot = process.getuid?.() === 0;
const nobody = 65534;

describe("refuses", () => {
  test("a cluster of another major version, and leaves it as it is", async () => {
    const path = directory();
    await (await start(path)).stop();
    const version = join(path, "postgres/PG_VERSION");
    await writeFile(version, "17\n");
    await expect(start(path)).rejects.toMatchObject({
      code: "WRONG_MAJOR",
      message: expect.stringMatching(/made by PostgreSQL 17, and this Holdfast brings PostgreSQL 18.*--database-url/s),
    });
    expect(await readFile(version, "utf8")).toBe("17\n");
  });

  test("a directory with other things in it", async () => {
    const path = directory();
    await mkdir(path);
    await writeFile(join(path, "thesis.txt"), "");
    await expect(start(path)).rejects.toMatchObject({ code: "DIRECTORY_UNUSABLE" });
    expect(await readdir(path)).toEqual(["thesis.txt"]);
    await rm(join(path, "thesis.txt"));
  });

  test("a platform without binaries, and says what to do", async () => {
    const installation = await createInstallation({ binaries: false });
    onTestFinished(installation.remove);
    const said = await hold(directory(), { program: installation.holder }).said;
    expect(said.code).toBe("NO_BINARIES");
    expect(said.message).toContain(`${process.platform} ${process.arch}`);
    expect(said.message).toContain("--database-url");
  });
});

describe("whoever starts it", () => {
  test("binaries without their links are completed where they lie, or copied where they can be run", async () => {
    const installation = await createInstallation({ binaries: true });
    onTestFinished(installation.remove);
    const path = directory();
    const holder = hold(path, { program: installation.holder });
    const { url, pid, events } = await holder.said;
    expect(await query(url, "select 1")).toEqual([1]);
    // Only root hands over to somebody whom the directory's mode, 0700, keeps out.
    const copied = (await readdir(path)).some((name) => name.startsWith("binaries-"));
    expect(copied).toBe(isRoot);
    expect(events.includes("runs a copy of the Postgres programs")).toBe(isRoot);
    if (isRoot) expect((await stat(`/proc/${pid}`)).uid).not.toBe(0);
    await holder.end();
  });

  test("an unprivileged user, with binaries that only root may write, gets a copy", async (context) => {
    if (!isRoot) return context.skip("becoming another user takes root; the other tests ran unprivileged");
    const installation = await createInstallation({ binaries: true });
    onTestFinished(installation.remove);
    await chmod(installation.path, 0o755);
    const path = directory();
    await mkdir(path);
    await chmod(path, 0o777);
    const holder = hold(path, { program: installation.holder, uid: nobody });
    const { url, pid, owner } = await holder.said;
    expect(owner).toBe(true);
    expect((await stat(`/proc/${pid}`)).uid).toBe(nobody);
    expect(await query(url, "select 1")).toEqual([1]);
    await holder.end();
    expect(await identify(pid)).toBeUndefined();
  });

  test("root is told which directory keeps Postgres out of the data directory", async (context) => {
    if (!isRoot) return context.skip("only root hands over to another user");
    const outer = directory();
    await mkdir(outer, { mode: 0o700 });
    onTestFinished(() => rm(join(outer, "inner"), { recursive: true }));
    await mkdir(join(outer, "inner"));
    await expect(start(join(outer, "inner"))).rejects.toMatchObject({
      code: "DIRECTORY_UNUSABLE",
      message: expect.stringContaining(`${outer} has mode 0700`),
    });
  });
});
