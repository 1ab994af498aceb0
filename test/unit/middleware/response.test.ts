import { expect, test } from "vitest";
import {
  isResponse,
  REPLAYED_HEADERS,
  replayable,
  responseSerializer,
  toStore,
} from "../../../src/middleware/http/response.ts";

const body = new Uint8Array([0, 1, 255]);
const headers = [
  ["content-type", "application/json"],
  ["link", "<a>"],
  ["link", "<b>"],
] as const;

test.each([
  { status: 201, headers, body },
  { status: 204, headers: [], body: new Uint8Array() },
  { status: 200, headers, body: null },
])("a response of status $status is read as it was stored", (response) => {
  expect(responseSerializer.decode(responseSerializer.encode(response))).toEqual(response);
});

test("a response that does not fit a result is stored without its body", () => {
  const large = { status: 200, headers, body: new Uint8Array(1024 * 1024) };
  const bytes = responseSerializer.encode(large);
  expect(bytes.length).toBeLessThan(1000);
  expect(responseSerializer.decode(bytes)).toEqual({ ...large, body: null });
});

test.each([
  ["another version", new Uint8Array([2, 0, 0, 0, 0])],
  ["no bytes", new Uint8Array()],
  ["a head that is cut", responseSerializer.encode({ status: 200, headers, body }).subarray(0, 20)],
  ["a status that is none", responseSerializer.encode({ status: 99, headers, body })],
  ["a head that is no object", new Uint8Array([1, 0, 0, 0, 4, ...new TextEncoder().encode("null")])],
])("%s is no response", (_, bytes) => {
  expect(() => responseSerializer.decode(bytes)).toThrow();
});

test("only the headers on the list are stored, and no cookie is ever on it", () => {
  const all = { status: 200, headers: [...headers, ["set-cookie", "a=1"], ["x-internal", "1"]] as const, body };
  expect(toStore(all, replayable(REPLAYED_HEADERS)).headers).toEqual(headers);
  expect(() => replayable(["Location", "Set-Cookie"])).toThrow("set-cookie is never replayed");
  expect(() => replayable(["content-length"])).toThrow("content-length is never replayed");
  expect(() => replayable(["no name"])).toThrow("replayedHeaders: names of headers only");
});

test.each([null, {}, "text", { status: 200, headers: [["a"]], body }, { status: 200, headers, body: "text" }])(
  "what somebody else has stored is no response: %j",
  (value) => {
    expect(isResponse(value)).toBe(false);
  },
);
