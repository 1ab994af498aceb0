import { expect, test } from "vitest";
import { createRows } from "../../../../src/tenants/service/rows.ts";
import type { StoredTenant } from "../../../../src/tenants/table.ts";
import { storedTenant } from "./stored-tenant.ts";

/** Rows whose reads are answered one by one, by hand. */
function scene() {
  const asked: PromiseWithResolvers<StoredTenant | null>[] = [];
  const applied: unknown[] = [];
  const rows = createRows({
    read() {
      const answer = Promise.withResolvers<StoredTenant | null>();
      asked.push(answer);
      return answer.promise;
    },
    apply: (id, row, isWanted) => void applied.push([id, row?.generation ?? null, isWanted]),
  });
  return { rows, asked, applied };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("all who ask for a row at once have one read, and one of them who needs it is enough", async () => {
  const { rows, asked, applied } = scene();
  const answers = [rows.read("a", false), rows.read("a", true), rows.read("a", false)];
  await turn();
  asked[0]?.resolve(storedTenant("a", 1n));
  expect((await Promise.all(answers)).map((row) => row?.generation)).toEqual([1n, 1n, 1n]);
  expect(asked.length).toBe(1);
  expect(applied).toEqual([["a", 1n, true]]);
  expect(rows.size).toBe(0);
});

test("an answer whose question was asked before a change was told is thrown away, and the row read again", async () => {
  const { rows, asked, applied } = scene();
  const answer = rows.read("a", true);
  await turn();
  rows.expire("a");
  asked[0]?.resolve(storedTenant("a", 1n));
  await turn();
  expect(applied).toEqual([]);
  asked[1]?.resolve(null);
  expect(await answer).toBeNull();
  expect(applied).toEqual([["a", null, true]]);
});

test("a change that is told in the very turn in which the answer came is not lost", async () => {
  const { rows, asked, applied } = scene();
  const first = rows.read("a", true);
  await turn();
  asked[0]?.resolve(storedTenant("a", 1n));
  rows.expire("a");
  const second = rows.read("a", true);
  await turn();
  asked[1]?.resolve(storedTenant("a", 2n));
  expect((await Promise.all([first, second])).map((row) => row?.generation)).toEqual([2n, 2n]);
  expect(applied).toEqual([["a", 2n, true]]);
});

test("a change of another row changes nothing here; one of any does", async () => {
  const { rows, asked } = scene();
  const answer = rows.read("a", true);
  await turn();
  rows.expire("b");
  asked[0]?.resolve(storedTenant("a", 1n));
  expect((await answer)?.generation).toBe(1n);
  const again = rows.read("a", true);
  await turn();
  rows.expireAll();
  asked[1]?.resolve(storedTenant("a", 1n));
  await turn();
  asked[2]?.resolve(storedTenant("a", 2n));
  expect((await again)?.generation).toBe(2n);
});

test("a read that fails is told to all who asked, applies nothing, and is not remembered", async () => {
  const { rows, asked, applied } = scene();
  const answers = [rows.read("a", true), rows.read("a", true)];
  await turn();
  asked[0]?.reject(new Error("away"));
  for (const answer of answers) await expect(answer).rejects.toThrow("away");
  expect(applied).toEqual([]);
  const again = rows.read("a", false);
  await turn();
  asked[1]?.resolve(null);
  expect(await again).toBeNull();
});
