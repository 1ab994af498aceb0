import { createHash } from "node:crypto";
import { access, readFile, rm, writeFile } from "node:fs/promises";
import type { Prepared } from "../drivers.ts";
import { below, cacheOf, runTool, versionOf } from "./tool.ts";

/** The oldest that clients/python runs on, as pyproject.toml says. */
const LEAST: readonly [number, number] = [3, 10];

/**
 * A virtual environment with what the client needs, of the versions that python-requirements.txt pins. The client itself
 * runs from its sources: what was changed a moment ago is what is tested.
 */
export async function preparePython(): Promise<Prepared> {
  const version = (await versionOf("python3", ["--version"]))?.replace("Python ", "");
  if (version === undefined) return { leftOut: "left out: there is no Python" };
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isOldEnough = major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1]);
  if (!isOldEnough) return { leftOut: `left out: Python ${version} is older than ${LEAST.join(".")}` };
  const requirements = new URL("python-requirements.txt", import.meta.url).pathname;
  const wanted = createHash("sha256")
    .update(version)
    .update(await readFile(requirements))
    .digest("hex");
  const [environment, python] = [cacheOf("python"), `${cacheOf("python")}/bin/python`];
  // Written last: what was interrupted is made anew.
  const mark = `${environment}/holdfast-${wanted.slice(0, 16)}`;
  const isMade = await access(mark).then(
    () => true,
    () => false,
  );
  if (!isMade) {
    await rm(environment, { recursive: true, force: true });
    await runTool("python3", ["-m", "venv", environment]);
    const quiet = ["--disable-pip-version-check", "--quiet", "--only-binary", ":all:"];
    await runTool(python, ["-m", "pip", "install", ...quiet, "--requirement", requirements]);
    await writeFile(mark, "");
  }
  const env = {
    PYTHONPATH: below("clients/python/src"),
    PYTHONUNBUFFERED: "1",
  };
  return { command: { name: "python", command: python, args: ["-m", "holdfast.conformance"], env } };
}
