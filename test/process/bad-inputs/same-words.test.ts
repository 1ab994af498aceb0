import { expect, test } from "vitest";
import { said } from "./access-stand.ts";
import { FIELD_CASES } from "./field-cases.ts";
import { row } from "./rows.ts";
import { livesOn, refuses, useStand, violationsOf } from "./stand.ts";
import { WIRE_NAMES } from "./wires.ts";

const stand = useStand();

const named = FIELD_CASES.map((each) => [`${row(each.row)}, ${each.method.name}: ${each.says}`, each] as const);

test.each(named)("%s: refused in the same words on both ports, in every format and on a session", async (_, each) => {
  const texts = new Map<string, string>();
  for (const name of WIRE_NAMES) {
    const wire = stand.wires[name];
    const request = each.request(wire);
    if (request === null) continue;
    const answer = await refuses(stand, wire, each.method, request, each.refusal);
    const described = violationsOf(answer).map(({ description }) => description);
    if (each.allowed !== undefined) expect(described).toEqual([each.allowed]);
    texts.set(name, said(answer));
  }
  expect(texts.size).toBeGreaterThanOrEqual(WIRE_NAMES.length - 1);
  expect(new Set(texts.values())).toEqual(new Set([texts.get("gRPC")]));
});

livesOn(stand);
