import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compileAll, compileClient, filesBelow } from "./compile.ts";
import { type Graph, graphOf } from "./graph.ts";
import { clientExports, clientManifest, type Manifest } from "./manifest.ts";

/** What `npm run build` has made. */
export interface Built {
  /** The folder of the client's package, to be packed as it is. */
  readonly client: string;
  /** What the code of the client imports, and its declarations. */
  readonly clientCode: Graph;
  readonly clientTypes: Graph;
}

/** Builds dist/ for the package that the repository is, and dist/holdfast-client, which is the client's. */
export function build(root: string): Built {
  const own = readManifest(root);
  const dist = join(root, "dist");
  compileAll({ root, dist });
  // The server reads its version where the repository has it: a folder above src/.
  writeJson(join(dist, "package.json"), { version: own.version, type: "module" });
  keepOnly(dist, ".d.ts", typesOf(dist, Object.values(own.exports)));

  const client = join(dist, `${own.name}-client`);
  const sources = [...Object.values(clientExports(own)), "./gen/holdfast/v1/errors_pb.ts"];
  const out = join(client, "dist");
  compileClient({ root, dist }, sources, out);
  // The messages have an entry each.
  const messages = filesBelow(join(out, "gen")).filter((path) => path.endsWith(".js"));
  const clientCode = graphOf([...sources.map((source) => builtAs(out, source, ".js")), ...messages]);
  const clientTypes = graphOf(clientCode.files.filter(isEntry(sources, out)).map((path) => declarationOf(path)));
  keepOnly(client, ".js", clientCode.files);
  keepOnly(client, ".d.ts", clientTypes.files);
  const packages = [...new Set([...clientCode.packages, ...clientTypes.packages])].sort();
  writeJson(join(client, "package.json"), clientManifest(own, packages));
  copyFileSync(join(root, "LICENSE"), join(client, "LICENSE"));
  copyFileSync(join(root, "scripts/package/client.md"), join(client, "README.md"));
  return { client, clientCode, clientTypes };
}

/** All messages, and what the sources' entries are made of. */
function isEntry(sources: readonly string[], out: string): (path: string) => boolean {
  const entries = new Set(sources.map((source) => builtAs(out, source, ".js")));
  return (path) => entries.has(path) || path.startsWith(join(out, "gen/"));
}

function typesOf(dist: string, exports: readonly string[]): readonly string[] {
  const [patterns, files] = [
    exports.filter((file) => file.includes("*")),
    exports.filter((file) => !file.includes("*")),
  ];
  const below = patterns.flatMap((pattern) => filesBelow(join(dist, pattern.slice(0, pattern.indexOf("*")))));
  const entries = [
    ...files.map((file) => builtAs(dist, file, ".d.ts")),
    ...below.filter((path) => path.endsWith(".d.ts")),
  ];
  return graphOf(entries).files;
}

function builtAs(dist: string, source: string, ending: string): string {
  return join(dist, source.replace(/\.ts$/, ending));
}

function declarationOf(path: string): string {
  return path.replace(/\.js$/, ".d.ts");
}

/** Nobody can reach the others: what a package exports is all that can be imported from it. */
function keepOnly(folder: string, ending: string, wanted: readonly string[]): void {
  const kept = new Set(wanted);
  for (const path of filesBelow(folder)) if (path.endsWith(ending) && !kept.has(path)) rmSync(path);
}

export function readManifest(root: string): Manifest {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
}

export function writeJson(path: string, value: object): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
