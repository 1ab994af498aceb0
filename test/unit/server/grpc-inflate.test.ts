import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import { inflateBy } from "../../../src/server/grpc-inflate.ts";

const BYTES_MAX = 1000;
const TOO_LARGE = "a message of the stream must be at most 1000 bytes";
const NO_ENCODING = "a message of the stream is compressed, and the stream's grpc-encoding is neither gzip nor deflate";

test.each([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
])("a message is inflated by %s, if that is what the stream says, and if it is not too large", async (name, by) => {
  const inflate = inflateBy(name, BYTES_MAX);
  expect((await inflate(by("one"))).toString()).toBe("one");
  expect(await inflate(by(Buffer.alloc(BYTES_MAX)))).toHaveLength(BYTES_MAX);
  await expect(inflate(by(Buffer.alloc(BYTES_MAX + 1)))).rejects.toMatchObject({
    code: Code.RESOURCE_EXHAUSTED,
    message: TOO_LARGE,
  });
});

describe("what is no compressed message is refused in words that quote nothing:", () => {
  test.each([
    ["no encoding", undefined, gzipSync("canary"), NO_ENCODING],
    ["the encoding that is none", "identity", gzipSync("canary"), NO_ENCODING],
    ["an encoding that is not known", "unsupported", gzipSync("canary"), NO_ENCODING],
    ["another encoding", "gzip", deflateSync("canary"), "a message of the stream is compressed, and not by gzip"],
    ["no compression", "deflate", Buffer.from("canary"), "a message of the stream is compressed, and not by deflate"],
    ["a part", "gzip", gzipSync("canary").subarray(0, 12), "a message of the stream is compressed, and not by gzip"],
  ])("%s", async (_what, encoding, bytes, message) => {
    const inflated = inflateBy(encoding, BYTES_MAX)(bytes);
    await expect(inflated).rejects.toMatchObject({ code: "FIELD_INVALID", message });
  });
});
