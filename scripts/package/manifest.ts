/** What of a package.json is read here, and what it is published with. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** What says the same of both packages as of the repository. */
const KEPT = ["version", "license", "author", "repository", "homepage", "bugs", "keywords", "type"] as const;

/**
 * The package with everything, which is the repository's own manifest but for what is built: there the exports are
 * sources, which Node runs as they are, and below node_modules it does not.
 */
export function serverManifest(own: Manifest): Readonly<Record<string, unknown>> {
  return {
    name: own.name,
    ...kept(own),
    description: own["description"],
    engines: own["engines"],
    bin: Object.fromEntries(Object.entries(own.bin).map(([name, file]) => [name, inDist(file, ".js")])),
    exports: { ...builtExports(own.exports), "./package.json": "./package.json" },
    files: ["dist/src", "dist/gen", "dist/examples", "dist/package.json", "CHANGELOG.md"],
    dependencies: own.dependencies,
    optionalDependencies: own.optionalDependencies,
  };
}

/** Of what imports nothing of the server's. The rest of `holdfast/...` needs a database, or what serves. */
const CLIENT_ONLY = /^\.\/(?:client(?:\/.+)?|middleware(?:\/.+)?|express|fastify|hono|nest|fetch|http|consumer)$/;

/** The exports of the repository that the client's package has too, as they are called there: "./client" is the package. */
export function clientExports(own: Manifest): Readonly<Record<string, string>> {
  const entries = Object.entries(own.exports).filter(([subpath]) => CLIENT_ONLY.test(subpath));
  return Object.fromEntries(entries.map(([subpath, file]) => [subpath.replace(/^\.\/client(?=\/|$)/, "."), file]));
}

/** @param packages that its files import, which are all it depends on */
export function clientManifest(own: Manifest, packages: readonly string[]): Readonly<Record<string, unknown>> {
  const strange = packages.filter((name) => own.dependencies[name] === undefined);
  if (strange.length > 0) throw new Error(`the client imports ${strange.join(", ")}: not among the dependencies`);
  return {
    name: `${own.name}-client`,
    ...kept(own),
    description:
      "Done once: the client of Holdfast, which lets many processes agree that a piece of work is done once.",
    engines: { node: CLIENT_NODE },
    sideEffects: false,
    exports: {
      ...builtExports(clientExports(own)),
      "./gen/*": built("./gen/*.ts"),
      "./package.json": "./package.json",
    },
    files: ["dist"],
    dependencies: Object.fromEntries(packages.map((name) => [name, own.dependencies[name]])),
  };
}

/** The least that connect runs on. The server needs a newer one. */
const CLIENT_NODE = ">=22";

function kept(own: Manifest): Readonly<Record<string, unknown>> {
  return Object.fromEntries(KEPT.flatMap((field) => (own[field] === undefined ? [] : [[field, own[field]]])));
}

function builtExports(exports: Readonly<Record<string, string>>): Readonly<Record<string, object>> {
  return Object.fromEntries(Object.entries(exports).map(([subpath, file]) => [subpath, built(file)]));
}

/** The types first: TypeScript takes the first condition that it knows. */
function built(file: string): object {
  return { types: inDist(file, ".d.ts"), default: inDist(file, ".js") };
}

function inDist(file: string, ending: string): string {
  return file.replace(/^(?:\.\/)?(.*)\.ts$/, `./dist/$1${ending}`);
}
