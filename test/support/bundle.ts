import { isBuiltin } from "node:module";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";

type OutputChunk = Rolldown.OutputChunk;

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What a bundler makes of a program that imports from one of the client's entries. */
export interface Bundle {
  readonly code: string;
  /** What is left of whom: paths from the root of the repository, without what was shaken off. */
  readonly modules: readonly string[];
  /** Packages among them. */
  readonly packages: readonly string[];
  /** Modules of Node that it imports. */
  readonly builtins: readonly string[];
  readonly bytes: number;
  readonly gzippedBytes: number;
}

/** By the bundler of vitest, minified, everything in one file. */
export async function bundle(program: string, platform: "browser" | "node"): Promise<Bundle> {
  const entry = `${ROOT}program.ts`;
  const built = await build({
    ...{ root: ROOT, configFile: false, logLevel: "error", publicDir: false },
    plugins: [
      { name: "program", resolveId: (id) => (id === entry ? id : null), load: (id) => (id === entry ? program : null) },
    ],
    ...(platform === "node" && { ssr: { noExternal: true, target: "node" } }),
    build: {
      ...{ write: false, minify: true, target: "es2024", ssr: platform === "node" },
      rolldownOptions: { input: entry, output: { format: platform === "node" ? "es" : "iife", codeSplitting: false } },
    },
  });
  const [output] = Array.isArray(built) ? built : [built];
  if (output === undefined || !("output" in output)) throw new Error("the bundler has made nothing");
  const chunks = output.output.filter(({ type }) => type === "chunk").map((each) => each as OutputChunk);
  const code = chunks.map((chunk) => chunk.code).join("\n");
  const left = chunks.flatMap(({ modules }) => Object.entries(modules)).filter(([, part]) => part.renderedLength > 0);
  const modules = left.map(([id]) => relative(ROOT, id.replace(/^\0/, "").replace(/\?.*$/, ""))).toSorted();
  return {
    ...{ code, modules: modules.filter((path) => path !== "program.ts"), packages: packagesOf(modules) },
    builtins: [...new Set(chunks.flatMap(({ imports }) => imports).filter(isBuiltin))].toSorted(),
    ...{ bytes: Buffer.byteLength(code), gzippedBytes: gzipSync(code).length },
  };
}

function packagesOf(modules: readonly string[]): readonly string[] {
  const names = modules.map((path) => /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].toSorted();
}
