import { afterAll, beforeAll, expect, test } from "vitest";
import type { Mutant } from "../../../proof/mutants/mutant.ts";
import { MUTANTS } from "../../../proof/mutants/mutants.ts";
import { unpreparedAt } from "../../../proof/mutants/sound.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

test("the statements of all mutants are statements: what kills them is what they do", async () => {
  expect(await unpreparedAt(database.url, MUTANTS)).toEqual(new Map());
});

test("a mutant whose statement does not parse is none, and the others are looked at all the same", async () => {
  const [second] = MUTANTS.filter(({ id }) => id === "second-end");
  if (second === undefined) throw new Error("there is no such mutant");
  const mistyped: Mutant = {
    ...{ id: "mistyped", name: "does not parse", killedBy: [] },
    patches: second.patches.map((patch) => ({ ...patch, replace: patch.replace.replace(" in ", " inn ") })),
  };
  expect(await unpreparedAt(database.url, [mistyped, second])).toEqual(
    new Map([
      ["mistyped", expect.stringMatching(/^src\/store\/postgres\/finish\.sql cannot be prepared: syntax error/)],
    ]),
  );
});
