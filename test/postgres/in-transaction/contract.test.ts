import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attempts } from "../../store/contract/attempts.ts";
import { histories } from "../../store/contract/histories.ts";
import { reconciling } from "../../store/contract/reconciling.ts";
import { releasing } from "../../store/contract/releasing.ts";
import { resetting } from "../../store/contract/resetting.ts";
import { resolving } from "../../store/contract/resolving.ts";
import { results } from "../../store/contract/results.ts";
import { retention } from "../../store/contract/retention.ts";
import { openCompletingStore } from "./completing-store.ts";

describe("a store that completes by holdfast.complete_record", () => {
  let opened: Awaited<ReturnType<typeof openCompletingStore>> | null = null;
  beforeAll(async () => {
    opened = await openCompletingStore();
  });
  afterAll(async () => opened?.close());

  const under = () => {
    if (opened === null) throw new Error("bug: a test ran before its store was open");
    return opened;
  };
  // Every part of the contract in which records are completed.
  results(under);
  attempts(under);
  retention(under);
  reconciling(under);
  resetting(under);
  releasing(under);
  resolving(under);
  histories(under);

  test("has had the function called for most of it", () => {
    expect(under().completed()).toBeGreaterThan(50);
  });
});
