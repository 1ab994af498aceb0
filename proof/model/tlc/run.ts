import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Size } from "../scenarios.ts";
import { findJar } from "./jar.ts";
import { type Checked, readOutput } from "./output.ts";

const execute = promisify(execFile);

const MODULE = fileURLToPath(new URL("../Holdfast.tla", import.meta.url));
const CONFIGURATIONS = new URL("./", import.meta.url);

/** Enough for two million states; the rest of them is on disk. */
const HEAP = "-Xmx1g";
const MINUTES_MAX = { small: 5, full: 20 } as const satisfies Record<Size, number>;
const OUTPUT_BYTES_MAX = 64 << 20;
/** That it found a violation is an exit code too. */
const VIOLATION_CODES: readonly unknown[] = [10, 11, 12, 13];

/** A directory of configurations. */
export type Group = Size | "mutants";

export async function configurationsOf(group: Group): Promise<readonly string[]> {
  const files = await readdir(new URL(`${group}/`, CONFIGURATIONS));
  return files
    .filter((name) => name.endsWith(".cfg"))
    .map((name) => name.slice(0, -".cfg".length))
    .sort();
}

/** The path of the jar and Java's version, or why TLC cannot run here. */
export async function findTlc(): Promise<{ readonly jar: string; readonly java: string } | { readonly why: string }> {
  const told = await execute("java", ["-version"], { timeout: 20_000 }).catch(() => null);
  if (told === null) return { why: "there is no java on the path" };
  try {
    return { jar: await findJar(), java: told.stderr.split("\n")[0] ?? "java" };
  } catch (error) {
    return { why: (error as Error).message };
  }
}

/** Checks Holdfast.tla in one configuration, on one core. */
export async function runTlc(jar: string, group: Group, name: string): Promise<Checked> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-tlc-"));
  const minutes = MINUTES_MAX[group === "full" ? group : "small"];
  try {
    await copyFile(MODULE, join(directory, "Holdfast.tla"));
    await copyFile(new URL(`${group}/${name}.cfg`, CONFIGURATIONS), join(directory, "Holdfast.cfg"));
    const flags = [HEAP, "-XX:+UseSerialGC", "-cp", jar, "tlc2.TLC"];
    const options = ["-workers", "1", "-deadlock", "-metadir", join(directory, "states"), "Holdfast.tla"];
    const { stdout } = await execute("java", [...flags, ...options], {
      ...{ cwd: directory, timeout: minutes * 60_000, maxBuffer: OUTPUT_BYTES_MAX },
    });
    return readOutput(stdout);
  } catch (error) {
    const { stdout = "", stderr = "", code, killed } = error as Partial<Ended>;
    if (VIOLATION_CODES.includes(code)) return readOutput(stdout);
    const why = killed === true ? `not finished in ${minutes} minutes` : `${stderr}\n${stdout}`.trim().slice(-2_000);
    return { ...readOutput(stdout), verdict: { kind: "failed", why: why || String(error) } };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: unknown;
  readonly killed: boolean;
}
