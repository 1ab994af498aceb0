import { beforeAll, describe, expect, test } from "vitest";
import * as node from "../../../src/client/client.ts";
import * as web from "../../../src/client/web.ts";
import { type Bundle, bundle } from "../../support/bundle.ts";

const importing = (names: string, entry: "client" | "web") =>
  `import { ${names} } from "./src/client/${entry}.ts"; globalThis.held = [${names}];`;

/** Of this repository. */
const own = ({ modules }: Bundle) => modules.filter((path) => /^(src|gen|test|bench|conformance|proof)\//.test(path));
const foreign = (paths: readonly string[]) => paths.filter((path) => !/^(src\/client|gen)\//.test(path));

/** In minified bytes. Who raises one of them has looked at what has come in. */
const WEB_BYTES_MAX = 320_000;
const WEB_GZIPPED_BYTES_MAX = 90_000;
const NODE_BYTES_MAX = 780_000;

describe("holdfast/client/web in a browser's bundle", () => {
  let built: Bundle;

  beforeAll(async () => {
    built = await bundle(importing("createClient", "web"), "browser");
  });

  test("holds the client and what is generated, and nothing of the server", () => {
    expect(own(built).length).toBeGreaterThan(20);
    expect(foreign(own(built))).toEqual([]);
  });

  test("holds nothing for Node", () => {
    const forNode = /^src\/client\/(client\.ts|grpc-|node-|tls|session\/)|__vite-browser-external/;
    expect(built.modules.filter((path) => forNode.test(path))).toEqual([]);
    expect(built.builtins).toEqual([]);
    expect(built.code).not.toMatch(/\bnode:|\bBuffer\./);
  });

  test("has five packages", () => {
    expect(built.packages).toEqual([
      "@bufbuild/protobuf",
      "@connectrpc/connect",
      "@noble/hashes",
      "@opentelemetry/api",
      "canonicalize",
    ]);
  });

  test("is as small as is said", ({ annotate }) => {
    void annotate(`${built.bytes} bytes, ${built.gzippedBytes} of them left by gzip`);
    expect(built.bytes).toBeLessThan(WEB_BYTES_MAX);
    expect(built.gzippedBytes).toBeLessThan(WEB_GZIPPED_BYTES_MAX);
  });
});

describe("holdfast/client in a bundle for Node", () => {
  let built: Bundle;

  beforeAll(async () => {
    built = await bundle(importing("createClient", "client"), "node");
  });

  test("holds the client and what is generated, and nothing of the server", () => {
    expect(own(built).length).toBeGreaterThan(20);
    expect(foreign(own(built))).toEqual([]);
    const ofTheServer = ["pg", "pino", "prom-client", "jose", "yaml", "log-update", "@bufbuild/protovalidate"];
    expect(built.packages.filter((name) => ofTheServer.includes(name))).toEqual([]);
    expect(built.packages).not.toContain("@noble/hashes");
  });

  test("is as small as is said", ({ annotate }) => {
    void annotate(`${built.bytes} bytes, ${built.gzippedBytes} of them left by gzip`);
    expect(built.bytes).toBeLessThan(NODE_BYTES_MAX);
  });
});

describe("the two entries", () => {
  test("have the same names, but for the transport that is Node's alone", () => {
    expect(Object.keys(web).toSorted()).toEqual(
      Object.keys(node)
        .filter((name) => name !== "createGrpcTransport")
        .toSorted(),
    );
  });

  test.each([
    { name: "ab", input: "ab" },
    { name: "bytes", input: new Uint8Array([0, 255, 128]) },
    { name: "an object", input: { b: [1, 2.5, "é😀"], a: null } },
    { name: "a long text", input: "x".repeat(100_000) },
  ])("have the same fingerprints and keys for providers: $name", ({ name, input }) => {
    expect(Array.from(web.fingerprint(input).digest)).toEqual(Array.from(node.fingerprint(input).digest));
    const record = { tenant: "default", scope: "é", key: name };
    for (const format of ["text", "uuid"] as const)
      expect(web.providerKey(record, "stripe 😀", format)).toBe(node.providerKey(record, "stripe 😀", format));
  });
});

test("the fingerprint alone brings no protocol along", async () => {
  const built = await bundle(importing("fingerprint", "web"), "browser");
  expect(built.packages).not.toContain("@bufbuild/protobuf");
  expect(built.bytes).toBeLessThan(25_000);
});
