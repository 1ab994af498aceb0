import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { importsOf } from "../../support/architecture.ts";

const ROOT = new URL("../../../", import.meta.url);

/** Every file and package that is loaded with one file, or by it later. */
function loadedWith(entry: string): readonly string[] {
  const seen = new Set([entry]);
  for (const path of seen) {
    if (!/^(src|gen)\/.*\.ts$/.test(path)) continue;
    // What is imported for its types alone is not loaded.
    const text = readFileSync(new URL(path, ROOT), "utf8").replaceAll(/^(import|export) type [^;]+;$/gm, "");
    for (const imported of importsOf(path, text)) seen.add(imported);
  }
  return [...seen];
}

test("a test server brings along the rules and the client, and neither a real server nor a driver of a database", () => {
  const loaded = loadedWith("src/testing/test-server.ts");
  expect(loaded).toEqual(
    expect.arrayContaining(["src/domain/reducer/claim.ts", "src/rpc/pipeline.ts", "src/client/once.ts"]),
  );
  expect(loaded.filter((path) => /^src\/(server|cli|embedded|middleware)\/|\/postgres\//.test(path))).toEqual([]);
  const packages = loaded.filter((path) => !/^(src|gen|node:)/.test(path));
  expect(new Set(packages.map((name) => name.split("/", name.startsWith("@") ? 2 : 1).join("/")))).toEqual(
    new Set([
      "@bufbuild/protobuf",
      "@bufbuild/protovalidate",
      "@connectrpc/connect",
      "@connectrpc/connect-node",
      "@grpc/grpc-js",
      "@opentelemetry/api",
      "canonicalize",
    ]),
  );
});
