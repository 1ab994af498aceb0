import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import { framedBytes, MessageReader, writeFramed } from "../../../src/server/grpc-messages.ts";

const BYTES_MAX = 1000;

function framed(...pieces: readonly Uint8Array[]): Buffer {
  const target = Buffer.alloc(framedBytes(pieces));
  expect(writeFramed(target, 0, pieces)).toBe(target.length);
  return target;
}

function flagged(flag: number, text = "canary"): Buffer {
  const whole = framed(Buffer.from(text));
  whole[0] = flag;
  return whole;
}

/** All messages of these chunks. */
function read(...chunks: readonly Buffer[]): readonly string[] {
  const reader = new MessageReader(BYTES_MAX);
  return chunks.flatMap((chunk) => {
    reader.push(chunk);
    const found: string[] = [];
    for (let next = reader.next(); next !== null; next = reader.next()) found.push(next.toString());
    return found;
  });
}

const THREE = Buffer.concat([framed(Buffer.from("one")), framed(), framed(Buffer.from("th"), Buffer.from("ree"))]);

describe("messages are read", () => {
  test("however they are cut into chunks", () => {
    for (let at = 0; at <= THREE.length; at++) {
      expect(read(THREE.subarray(0, at), THREE.subarray(at))).toEqual(["one", "", "three"]);
    }
    expect(read(...[...THREE].map((byte) => Buffer.from([byte])))).toEqual(["one", "", "three"]);
  });

  test("one by one, as they are asked for", () => {
    const reader = new MessageReader(BYTES_MAX);
    reader.push(THREE);
    expect(reader.next()?.toString()).toBe("one");
    expect([reader.count, reader.isAmid]).toEqual([1, true]);
    reader.next();
    reader.next();
    expect(reader.next()).toBeNull();
    expect([reader.count, reader.isAmid]).toEqual([3, false]);
    reader.push(THREE.subarray(0, 7));
    expect(reader.next()).toBeNull();
    expect([reader.count, reader.isAmid]).toEqual([3, true]);
  });

  test("as copies: what arrived with them may go", () => {
    const reader = new MessageReader(BYTES_MAX);
    const chunk = framed(Buffer.from("one"));
    reader.push(chunk);
    const message = reader.next();
    chunk.fill(0);
    expect(message?.toString()).toBe("one");
  });

  test("as they were sent, and it is told which of them are compressed", () => {
    const reader = new MessageReader(BYTES_MAX);
    reader.push(Buffer.concat([flagged(1, "one"), flagged(0, "two")]));
    expect([reader.next()?.toString(), reader.isCompressed]).toEqual(["one", true]);
    expect([reader.next()?.toString(), reader.isCompressed]).toEqual(["two", false]);
  });

  test("and nothing is kept of one that is dropped", () => {
    const reader = new MessageReader(BYTES_MAX);
    reader.push(THREE.subarray(0, 6));
    expect([reader.next(), reader.isAmid]).toEqual([null, true]);
    reader.drop();
    expect([reader.next(), reader.isAmid]).toEqual([null, false]);
  });
});

describe("what is no message is refused in words that quote nothing:", () => {
  test.each([
    ["too large", Buffer.from([0, 0, 0, 0x03, 0xe9]), Code.RESOURCE_EXHAUSTED, "must be at most 1000 bytes"],
    ["an unknown flag", flagged(2), "FIELD_INVALID", "what was sent on the stream are no gRPC messages"],
  ])("%s", (_what, chunk, code, words) => {
    const message = expect.stringContaining(words);
    expect(() => read(chunk)).toThrow(expect.objectContaining({ code, message }));
  });

  test("not what is exactly as large as may be", () => {
    expect(read(framed(Buffer.alloc(1000))).map((text) => text.length)).toEqual([1000]);
  });
});
