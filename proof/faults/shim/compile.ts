import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export type Compiled =
  | { readonly kind: "compiled"; readonly path: string }
  /** `why` is for whoever wonders what was left out. */
  | { readonly kind: "missing"; readonly why: string };

const HERE = dirname(fileURLToPath(import.meta.url));
const SOURCES = ["shim.c", "undo.c"];
const HEADERS = ["shim.h"];
const FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC"];
const CACHE = fileURLToPath(new URL("../../../node_modules/.cache/faults-shim", import.meta.url));
const COMPILE_MS_MAX = 60_000;

export interface CompileOptions {
  readonly compiler?: string;
  readonly cache?: string;
}

/** Once for each content: what was compiled is kept. Never throws: what cannot be had is `missing`. */
export async function compileShim({ compiler = "cc", cache = CACHE }: CompileOptions = {}): Promise<Compiled> {
  if (process.platform !== "linux")
    return { kind: "missing", why: `LD_PRELOAD and /proc are Linux's, not ${process.platform}'s` };
  const texts = await Promise.all([...SOURCES, ...HEADERS].map((name) => readFile(join(HERE, name), "utf8")));
  const hash = createHash("sha256").update(JSON.stringify([...texts, ...FLAGS, process.arch]));
  const path = join(cache, `shim-${hash.digest("hex").slice(0, 16)}.so`);
  if (await isThere(path)) return { kind: "compiled", path };
  try {
    await compile(compiler, path);
    return { kind: "compiled", path };
  } catch (error) {
    return { kind: "missing", why: reasonOf(compiler, error as NodeJS.ErrnoException & { readonly stderr?: string }) };
  }
}

/** Whole or not there: others may compile it at the same time. */
async function compile(compiler: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = await mkdtemp(join(dirname(path), "draft-"));
  try {
    const library = join(draft, "shim.so");
    const sources = SOURCES.map((name) => join(HERE, name));
    await run(compiler, [...FLAGS, "-o", library, ...sources], { timeout: COMPILE_MS_MAX });
    await rename(library, path);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

function reasonOf(compiler: string, { code, stderr, message }: NodeJS.ErrnoException & { readonly stderr?: string }) {
  if (code === "ENOENT") return `there is no C compiler (${compiler})`;
  return `${compiler} does not compile it: ${(stderr ?? "").trim().split("\n")[0] || message}`;
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
