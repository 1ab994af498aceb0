import { cp, mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { npm } from "./registry.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** What is built from, and packed. */
const SOURCES = [
  ...["package.json", "tsconfig.json", "tsconfig.build.json", "buf.yaml", "README.md", "CHANGELOG.md", "LICENSE"],
  ...["src", "gen", "proto", "scripts", "examples/deliveries"],
];

/** What `npm pack --json` tells of a tarball. */
export interface Tarball {
  readonly path: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

export interface Packed {
  readonly server: Tarball;
  readonly client: Tarball;
  /** The repository's manifest, before and after the packing. */
  readonly manifests: readonly [string, string];
}

/** Packs both packages, of a copy of the repository: packing changes its manifest for a moment, which others may read. */
export async function pack(scratch: string): Promise<Packed> {
  const copy = join(scratch, "repository");
  for (const path of SOURCES) await cp(join(ROOT, path), join(copy, path), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(copy, "node_modules"));
  const manifest = () => readFile(join(copy, "package.json"), "utf8");
  const before = await manifest();
  const server = await packOne(copy, ".", scratch);
  const client = await packOne(copy, "./dist/holdfast-client", scratch);
  return { server, client, manifests: [before, await manifest()] };
}

async function packOne(copy: string, folder: string, out: string): Promise<Tarball> {
  await mkdir(out, { recursive: true });
  const told = await npm(copy, "pack", folder, "--json", "--silent", "--pack-destination", out);
  // What the scripts of the package print comes before it.
  const parsed = JSON.parse(told.slice(told.search(/^[[{]$/m))) as readonly Omit<Tarball, "path">[];
  const [tarball] = parsed as readonly (Omit<Tarball, "path"> & { readonly filename: string })[];
  if (tarball === undefined) throw new Error(`npm pack told ${told}`);
  return { ...tarball, path: join(out, tarball.filename) };
}
