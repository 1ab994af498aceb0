import { type DescMessage, fromBinary, toJsonString } from "@bufbuild/protobuf";
import { JSON_OPTIONS } from "../../../src/server/http-json.ts";
import type { Chance } from "../../sim/chance.ts";
import { junk, type Mutation } from "./mutate.ts";

/** The same message in JSON; an empty one if it has no words there. */
export function jsonOf(desc: DescMessage, message: Buffer): Buffer {
  try {
    return Buffer.from(toJsonString(desc, fromBinary(desc, message), JSON_OPTIONS));
  } catch {
    return Buffer.from("{}");
  }
}

const TOKENS = [
  ...["null", "true", "[]", "{}", '""', "-0", "1e999", "-1e-999", "NaN", "Infinity", "0x10", "1_000", "9".repeat(400)],
  ...['"\\ud800"', '"\\u0000"', '"__proto__"', '{"__proto__":{"x":1}}', '{"constructor":null}', "[[[[[[[[[[", "/**/"],
  ...['"2026-13-45T99:99:99Z"', '"9999999999999s"', '"-s"', '"====', '{"@type":"type.googleapis.com/x"}', "\ufeff"],
];

/** Values of JSON: what stands between a colon or a comma and what follows it. */
const VALUE = /(?<=[:,[])(?:"(?:[^"\\]|\\.)*"|[\d.eE+-]+|true|false|null)/g;

function replaced(text: string, chance: Chance, by: () => string): string {
  const found = [...text.matchAll(VALUE)];
  if (found.length === 0) return by();
  const { index, 0: value } = chance.pick(found);
  return text.slice(0, index) + by() + text.slice(index + value.length);
}

export const JSON_MUTATIONS: readonly Mutation[] = [
  {
    name: "another value",
    apply: (json, chance) => Buffer.from(replaced(json.toString(), chance, () => chance.pick(TOKENS))),
  },
  {
    name: "another name",
    apply(json, chance) {
      const names = ["__proto__", "constructor", "toString", "", "\\u0000", "claimId", "claim_id", "key", "@type"];
      return Buffer.from(json.toString().replace(/"(\w+)":/, () => `"${chance.pick(names)}":`));
    },
  },
  { name: "twice", apply: (json) => Buffer.from(json.toString().replace(/^\{(.+)\}$/s, "{$1,$1}")) },
  {
    name: "nested",
    apply(json, chance) {
      const depth = chance.pick([50, 5000, 100_000]);
      const [open, close] = chance.pick([
        ["[", "]"],
        ['{"a":', "}"],
        ['{"key":', "}"],
      ] as const);
      const deep = open.repeat(depth) + (chance.chance(0.5) ? `1${close.repeat(depth)}` : "");
      return Buffer.from(replaced(json.toString(), chance, () => deep));
    },
  },
  {
    name: "bytes",
    apply(json, chance) {
      const at = chance.whole(0, json.length);
      return Buffer.concat([json.subarray(0, at), junk(chance.whole(1, 8), chance), json.subarray(at)]);
    },
  },
  { name: "truncated", apply: (json, chance) => json.subarray(0, chance.whole(0, json.length)) },
  { name: "more behind it", apply: (json, chance) => Buffer.concat([json, Buffer.from(chance.pick(TOKENS))]) },
  { name: "another encoding", apply: (json) => Buffer.from(json.toString(), "utf16le") },
  { name: "noise", apply: (_, chance) => junk(chance.whole(0, 400), chance) },
];
