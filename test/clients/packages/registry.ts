import { execFile } from "node:child_process";
import { access, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

const CACHE = fileURLToPath(new URL("../../../node_modules/.cache/holdfast-packages/", import.meta.url));

/** Its standard output. What npm says of itself goes nowhere. */
export async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run("npm", [...args], { cwd, timeout: NPM_MS_MAX, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** To fetch a Node, on a machine that does other things too. */
const NPM_MS_MAX = 240_000;

/** Why packages cannot be installed here; undefined where they can. */
export async function registryIsMissing(): Promise<string | undefined> {
  try {
    await npm(process.cwd(), "view", "canonicalize", "version", "--fetch-retries=0", "--fetch-timeout=10000");
    return undefined;
  } catch {
    return "left out: the registry of npm does not answer";
  }
}

/** Makes a project of a folder, and installs into it: packages by name and version, or tarballs by path. */
export async function install(folder: string, packages: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  const quiet = ["--silent", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"];
  await npm(folder, "install", ...quiet, ...packages);
}

/** A folder with these packages, which is kept for the next time. */
export async function installed(...packages: readonly string[]): Promise<string> {
  const folder = join(CACHE, packages.join("+").replaceAll(/[^\w.+-]/g, "_"));
  const mark = join(folder, "installed");
  // Written last: what was interrupted is made anew.
  const isThere = await access(mark).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    await rm(folder, { recursive: true, force: true });
    await install(folder, packages);
    await writeFile(mark, "");
  }
  return folder;
}

/** Another Node by its version, or the newest of a line: "22", "latest". */
export async function nodeOf(version: string): Promise<string> {
  const { platform, arch } = process;
  const prefix = platform === "darwin" && arch === "arm64" ? "node-bin" : "node";
  const name = `${prefix}-${platform}-${arch}`;
  const found = JSON.parse(await npm(process.cwd(), "view", `${name}@${version}`, "version", "--json")) as unknown;
  const exact = Array.isArray(found) ? found.at(-1) : found;
  return join(await installed(`${name}@${exact}`), "node_modules", name, "bin/node");
}
