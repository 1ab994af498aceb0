import { execFile } from "node:child_process";
import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Somebody else's program that a suite needs. */
export type ProgramName = "pgbouncer" | "postgres" | "prometheus" | "promtool" | "docker" | "helm";

/** One that runs here. */
export interface Program {
  readonly path: string;
  /** Of the programs that come with it, such as `pg_ctl` with `postgres`. */
  readonly directory: string;
  /** To be added to its environment: where its libraries are when it is not installed. */
  readonly env: Readonly<Record<string, string>>;
  /** Its own words. */
  readonly version: string;
}

export type Found =
  | ({ readonly kind: "found" } & Program)
  /** `why` goes behind the program's name. */
  | { readonly kind: "missing"; readonly why: string };

interface Source {
  /** Besides the PATH; a star stands for any version, of which the newest is taken. */
  readonly places: readonly string[];
  /** The Debian or Ubuntu package; null: there is none. */
  readonly debian: string | null;
  /** What must lie beside it: a directory with a part of an installation is passed over. */
  readonly with?: readonly string[];
}

const SOURCES: Readonly<Record<ProgramName, Source>> = {
  pgbouncer: { places: ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"], debian: "pgbouncer" },
  postgres: {
    places: ["/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin"],
    debian: "postgresql",
    with: ["initdb", "pg_ctl", "pg_basebackup"],
  },
  prometheus: { places: ["/usr/local/bin", "/opt/homebrew/bin"], debian: "prometheus" },
  promtool: { places: ["/usr/local/bin", "/opt/homebrew/bin"], debian: "prometheus" },
  docker: { places: ["/usr/local/bin", "/opt/homebrew/bin"], debian: null },
  helm: { places: ["/usr/local/bin", "/opt/homebrew/bin"], debian: null },
};

const found = new Map<ProgramName, Promise<Found>>();

/**
 * Looks in the usual places; what is not there is unpacked from its Debian package into a directory for temporary files,
 * which needs no rights and changes nothing that is installed. Never throws: what cannot be had is `missing`.
 */
export function findProgram(name: ProgramName): Promise<Found> {
  const known = found.get(name) ?? find(name, SOURCES[name]);
  found.set(name, known);
  return known;
}

/** Without a memory of former answers, and with places of the caller's own. */
export async function find(name: ProgramName, source: Source): Promise<Found> {
  const installed = await findIn(await directoriesOf(source), name, source, {});
  if (installed !== null) return installed;
  if (source.debian === null) return { kind: "missing", why: "is not installed" };
  try {
    const root = await unpacked(source.debian);
    const inRoot = await directoriesOf({ ...source, places: PACKAGED }, root);
    const program = await findIn(inRoot, name, source, { LD_LIBRARY_PATH: (await librariesIn(root)).join(":") });
    return program ?? { kind: "missing", why: `is not in the Debian package ${source.debian}, or does not run` };
  } catch (error) {
    return { kind: "missing", why: `is not installed, and ${messageOf(error)}` };
  }
}

const PACKAGED = ["/usr/bin", "/usr/sbin", "/usr/lib/postgresql/*/bin"];

async function findIn(
  directories: readonly string[],
  name: ProgramName,
  { with: siblings = [] }: Source,
  env: Readonly<Record<string, string>>,
): Promise<Found | null> {
  for (const directory of directories) {
    const there = [name, ...siblings].map((program) => access(join(directory, program), constants.X_OK));
    const whole = await Promise.all(there).then(
      () => true,
      () => false,
    );
    if (!whole) continue;
    const path = join(directory, name);
    const version = await versionOf(path, env);
    if (version !== null) return { kind: "found", path, directory, env, version };
  }
  return null;
}

/** The first line that it says of itself; null when it does not run. */
async function versionOf(path: string, env: Readonly<Record<string, string>>): Promise<string | null> {
  for (const word of ["--version", "version"]) {
    const options = { env: { ...process.env, ...env }, timeout: 20_000 };
    const said = await run(path, [word], options).catch(() => null);
    const [line] = `${said?.stdout ?? ""}${said?.stderr ?? ""}`.trim().split("\n");
    if (said !== null && line !== undefined) return line;
  }
  return null;
}

async function directoriesOf({ places }: Source, root = ""): Promise<readonly string[]> {
  const path = root === "" ? (process.env["PATH"] ?? "").split(":").filter((directory) => directory !== "") : [];
  const expanded = await Promise.all(places.map((place) => expand(`${root}${place}`)));
  return [...expanded.flat(), ...path];
}

/** Directories in the place of the one star, the highest number first. */
async function expand(place: string): Promise<readonly string[]> {
  const [before, after] = place.split("*");
  if (before === undefined || after === undefined) return [place];
  const parent = before.endsWith("/") ? before : dirname(before);
  const prefix = before.endsWith("/") ? "" : before.slice(parent.length + 1);
  const names = (await readdir(parent).catch(() => [])).filter((name) => name.startsWith(prefix));
  const version = (name: string) => Number.parseFloat(name.slice(prefix.length)) || 0;
  return names.toSorted((a, b) => version(b) - version(a)).map((name) => `${join(parent, name)}${after}`);
}

/** Of this user alone: what others can write there is not run. Kept, for packages are some tens of megabytes. */
async function storeOfPrograms(): Promise<string> {
  const path = join(tmpdir(), `holdfast-test-programs-${process.getuid?.() ?? "me"}`);
  await mkdir(path, { mode: 0o755 }).catch(() => undefined);
  const { uid, mode } = await stat(path);
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) throw new Error(`${path} is not ours alone`);
  return path;
}

/** The package and what it needs that is not installed, unpacked. */
async function unpacked(name: string): Promise<string> {
  const store = await storeOfPrograms();
  const root = join(store, name);
  if ((await stat(root).catch(() => null)) !== null) return root;
  const draft = await mkdtemp(join(store, "draft-"));
  try {
    await download(name, draft);
    // Programs run as others than root too; and what is there is whole, whoever else unpacks it at the same time.
    await chmod(draft, 0o755);
    await rename(draft, root).catch(() => undefined);
    return root;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

const MINUTES_MAX = 5;

async function download(name: string, into: string): Promise<void> {
  const debs = join(into, "debs");
  const lists = join(into, "lists");
  for (const directory of [debs, join(lists, "lists/partial"), join(lists, "archives/partial")]) {
    await mkdir(directory, { recursive: true });
  }
  const own = [
    "-o",
    `Dir::State=${lists}`,
    "-o",
    `Dir::Cache=${lists}`,
    "-o",
    "Dir::State::status=/var/lib/dpkg/status",
  ];
  // As root it would hand the download to a user who may not write where we do.
  const asUs = ["-q", "-o", "APT::Sandbox::User="];
  const apt = (...args: readonly string[]) =>
    run("apt-get", [...asUs, ...args], { cwd: debs, timeout: MINUTES_MAX * 60_000 });
  const simulate = async (options: readonly string[]) => {
    const { stdout } = await apt(...options, "install", "--simulate", "--no-install-recommends", name);
    const names = [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, one]) => one ?? "");
    if (names.length === 0) throw new Error(`apt-get takes ${name} for installed`);
    await apt(...options, "download", ...names);
  };
  const fetchAll = async () => {
    await apt(...own, "update");
    await simulate(own);
  };
  // Containers come without lists, and others have old ones that name files which are no more.
  await simulate([]).catch(fetchAll);
  for (const deb of await readdir(debs)) await run("dpkg", ["-x", join(debs, deb), into]);
  await rm(debs, { recursive: true });
  await rm(lists, { recursive: true });
}

async function librariesIn(root: string): Promise<readonly string[]> {
  const parents = ["usr/lib", "lib"].map((parent) => join(root, parent));
  const triplets = parents.map(async (parent) =>
    (await readdir(parent).catch(() => [])).filter((name) => name.endsWith("-gnu")).map((name) => join(parent, name)),
  );
  return [...(await Promise.all(triplets)).flat(), ...parents];
}

/** The last line of what a program said is the one that tells. */
function messageOf(error: unknown): string {
  const { code, stderr, message } = error as { code?: unknown; stderr?: string; message: string };
  if (code === "ENOENT") return "there is no apt-get to fetch its package with";
  const said = (stderr ?? "").trim().split("\n").at(-1);
  return `its package cannot be had: ${said || message}`;
}
