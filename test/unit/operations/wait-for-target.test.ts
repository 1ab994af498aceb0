import { expect, test } from "vitest";
import { WaitTarget } from "../../../src/operations/wait-target.ts";
import { bytes, NO_FINGERPRINT, NOW, recordOf } from "../../support/records.ts";
import { wordsOf } from "./wait-for-stand.ts";

test("a target says once that it has news, and keeps the newest alone, however many come before it is asked", () => {
  let said = 0;
  const listener = { saw() {}, hasNews: () => said++, failed() {}, dismissed() {} };
  const target = new WaitTarget(0, NO_FINGERPRINT, false, listener);
  const tell = () => target.tell().map((event) => wordsOf({ index: 0, event }));

  for (let step = 1; step <= 1_000; step++) {
    target.see({ record: recordOf({ progress: bytes(`step ${step}`) }), now: NOW });
  }
  expect(said).toBe(1);
  expect(tell()).toEqual(["0 snapshot in-progress"]);
  target.see({ record: recordOf({ progress: bytes("step 1001") }), now: NOW });
  target.see({ record: recordOf({ progress: bytes("step 1002") }), now: NOW });
  expect(said).toBe(2);
  expect(tell()).toEqual(["0 progress step 1002"]);
  expect(tell()).toEqual([]);
});
