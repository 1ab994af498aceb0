import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { committedShape, generateDeliveries } from "../../../../scripts/generate-deliveries.ts";
import { type Delivery, eventIds, parseDeliveryLog } from "../../../../src/cli/demo/delivery-log.ts";
import { fingerprint } from "../../../../src/client/node-platform.ts";

const committed = readFileSync(new URL("../../../../examples/deliveries/deliveries.ndjson", import.meta.url), "utf8");
const log = parseDeliveryLog(Buffer.from(committed));

const digest = ({ payload }: Delivery) => Buffer.from(fingerprint(payload).digest).toString("hex");

test("the committed log is what its generator writes", () => {
  expect(generateDeliveries(committedShape) === committed).toBe(true);
});

test("another seed gives another log of the same shape", () => {
  const other = generateDeliveries({ seed: "other", events: 20, deliveries: 80, altered: 2 });
  const again = generateDeliveries({ seed: "other", events: 20, deliveries: 80, altered: 2 });
  const parsed = parseDeliveryLog(Buffer.from(other));
  expect(other).toBe(again);
  expect(parsed).toHaveLength(80);
  expect(eventIds(parsed).size).toBe(20);
});

test("the committed log has 1 000 events in 5 000 deliveries", () => {
  expect(log).toHaveLength(5_000);
  expect(eventIds(log).size).toBe(1_000);
});

test("altered payloads come under an id whose own payload came before", () => {
  const first = new Map<string, string>();
  const altered = log.filter((delivery) => {
    const own = first.get(delivery.id);
    first.set(delivery.id, own ?? digest(delivery));
    return own !== undefined && own !== digest(delivery);
  });
  expect(altered).toHaveLength(committedShape.altered);
});

test("some copies come side by side, some in other bytes, and events come out of order", () => {
  const sideBySide = log.filter((delivery, index) => log[index - 1]?.id === delivery.id);
  const lines = new Set(committed.trimEnd().split("\n"));
  const created = log.map(({ payload }) => (payload as { readonly created: string }).created);
  expect(sideBySide.length).toBeGreaterThan(100);
  expect(lines.size).toBeGreaterThan(1_000 + committedShape.altered);
  expect(created).not.toEqual(created.toSorted());
});
