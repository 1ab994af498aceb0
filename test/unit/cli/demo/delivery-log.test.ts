import { expect, test } from "vitest";
import { comesAgain, eventIds, parseDeliveryLog } from "../../../../src/cli/demo/delivery-log.ts";

const parse = (text: string) => parseDeliveryLog(Buffer.from(text));

/** A line that is in order but for what `but` says. */
const line = (but: Record<string, unknown> = {}) =>
  JSON.stringify({ id: "evt_1", type: "invoice.paid", payload: { amount: 5 }, ...but });

test("a log is read in order, with the number of each line", () => {
  const log = parse(`${line()}\n${line({ id: "evt_2", type: "t", payload: [] })}\n`);
  expect(log).toEqual([
    { line: 1, id: "evt_1", type: "invoice.paid", payload: { amount: 5 } },
    { line: 2, id: "evt_2", type: "t", payload: [] },
  ]);
});

test("members that the demo does not know are left out", () => {
  expect(parse(line({ livemode: true }))[0]).toEqual({
    line: 1,
    id: "evt_1",
    type: "invoice.paid",
    payload: { amount: 5 },
  });
});

test("blank lines count as lines and as nothing else", () => {
  expect(parse(`\n  \r\n${line()}\r\n\n`).map((delivery) => delivery.line)).toEqual([3]);
});

test("a byte order mark, a missing last newline and a payload of null are no trouble", () => {
  expect(parse(`\uFEFF${line({ payload: null })}`)).toHaveLength(1);
});

test.each([
  ["no JSON", "{oops", "not a JSON object"],
  ["another JSON value", "[]", "not a JSON object"],
  ["null", "null", "not a JSON object"],
  ["an id that is a number", line({ id: 7 }), '"id" must be a string'],
  ["no id", line({ id: undefined }), '"id" must be a string'],
  ["an empty id", line({ id: "" }), '"id" must have 1 to 512 bytes'],
  ["an id over 512 bytes of UTF-8", line({ id: "é".repeat(257) }), '"id" must have 1 to 512 bytes'],
  ["U+0000 in an id", line({ id: "a\0b" }), '"id" must be Unicode text without U+0000'],
  ["half a surrogate pair in an id", line({ id: "a\ud800" }), '"id" must be Unicode text without U+0000'],
  ["no type", line({ type: undefined }), '"type" must be a string and not empty'],
  ["no payload", line({ payload: undefined }), '"payload" is missing'],
  ["a number that no double holds", '{"id":"a","type":"t","payload":1e999}', '"payload" cannot be used: '],
  ["text that is no text", '{"id":"a","type":"t","payload":"\\ud800"}', '"payload" cannot be used: '],
])("%s is refused with its line and the reason", (_name, bad, reason) => {
  expect(() => parse(`${line()}\n\n${bad}\n${line()}`)).toThrow(`line 3: ${reason}`);
});

test("bytes that are not UTF-8 are refused instead of being replaced", () => {
  const bytes = Buffer.concat([Buffer.from(`${line()}\n{"id":"`), Buffer.from([0xff]), Buffer.from('"}')]);
  expect(() => parseDeliveryLog(bytes)).toThrow("line 2: not UTF-8");
});

test("a payload that is too deep to be sent to a worker is refused", () => {
  const deep = `{"id":"a","type":"t","payload":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
  expect(() => parse(deep)).toThrow('line 1: "payload" cannot be used');
});

test("a line over one mebibyte is refused", () => {
  expect(() => parse(line({ payload: "x".repeat(1024 * 1024) }))).toThrow("line 1: longer than 1048576 bytes");
});

test.each(["", "\n\n"])("a log without a delivery is refused (%j)", (text) => {
  expect(() => parse(text)).toThrow("the log holds no delivery");
});

test("the events of a log are its different ids", () => {
  expect(eventIds(parse(`${line()}\n${line({ id: "evt_2" })}\n${line()}`))).toEqual(new Set(["evt_1", "evt_2"]));
});

test("a payload comes again if it comes under the same id further down, with its members in whatever order", () => {
  const log = parse(
    [
      line({ payload: { amount: 5, currency: "eur" } }),
      line({ id: "evt_2" }),
      line({ payload: { currency: "eur", amount: 5 } }),
      line({ id: "evt_2", payload: { amount: 50 } }),
    ].join("\n"),
  );
  expect(log.map(comesAgain(log))).toEqual([true, false, false, false]);
});
