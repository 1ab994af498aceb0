import { DatabaseError } from "pg";
import { describe, expect, test } from "vitest";
import { Fault } from "../../../../src/domain/fault.ts";
import { silentObserver } from "../../../../src/store/observer.ts";
import { ConnectionLost } from "../../../../src/store/postgres/errors.ts";
import { createOperators, LOOKS_OF_TENANT_MAX } from "../../../../src/store/postgres/operators.ts";
import { createServerTime } from "../../../../src/store/postgres/server-time.ts";
import { OPERATOR, QUERY } from "../../../support/operating.ts";
import { freshToken, NOW } from "../../../support/records.ts";
import { createManualClock } from "../manual-clock.ts";

const NEVER = Number.POSITIVE_INFINITY;
const PURGE = { ...OPERATOR, tenant: "acme", scope: "a", key: "k", force: false, limit: 10, after: null };

const PURGED = [{ scope: "a", key: "k", looked: 1n, purged: 1n, redacted: 2n, to_scope: "a", to_key: "k" }];
/** What holds a transaction together, and says nothing. */
const FRAME = new Set(["begin", "audit/lock-head", "commit", "rollback"]);

/** What the database says to each statement, one after the other; the last one from then on. */
function operatorsWith(...says: readonly (readonly unknown[] | Error)[]) {
  const clock = createManualClock();
  /** Resolves when the lane for looking is free. */
  const looking = { free: Promise.resolve() };
  const frames: string[] = [];
  const sent: string[] = [];
  const done: string[] = [];
  const query = async (statement: { readonly name: string }) => {
    frames.push(statement.name);
    if (FRAME.has(statement.name)) return [];
    const said = says[Math.min(sent.length, says.length - 1)];
    sent.push(statement.name);
    if (said instanceof Error) throw said;
    return said as readonly never[];
  };
  const operators = createOperators({
    look: () => looking.free.then(() => Promise.reject(new Error("nothing is lent for looking"))),
    change: (work) => work({ query }),
    clock,
    observer: {
      ...silentObserver,
      statementDone: (statement, _, outcome) => void done.push(`${statement} ${outcome}`),
    },
    time: createServerTime({ clock, asOf: () => NOW }),
    newToken: freshToken,
  });
  return { operators, looking, sent, frames, done, clock };
}

function databaseError(code: string): DatabaseError {
  return Object.assign(new DatabaseError("said the database", 1, "error"), { code });
}

describe("what operators ask for", () => {
  test("is sent again while others are in its way, and tells each time how long it took", async () => {
    const { operators, done, frames } = operatorsWith(databaseError("55P03"), PURGED);
    expect(await operators.purge(PURGE, NEVER)).toEqual({
      keys: [{ tenant: "acme", scope: "a", key: "k" }],
      redacted: 2,
      held: 0,
      next: null,
    });
    expect(done).toEqual(["purge error", "purge ok"]);
    const begun = ["begin", "audit/lock-head", "purge"];
    expect(frames).toEqual([...begun, "rollback", ...begun, "commit"]);
  });

  test("is given up when others are in its way again and again", async () => {
    const { operators, sent } = operatorsWith(databaseError("55P03"));
    await expect(operators.purge(PURGE, NEVER)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(sent).toHaveLength(5);
  });

  test.each([
    ["a lost connection", new ConnectionLost(new Error("gone")), "STORE_UNAVAILABLE"],
    ["a shortage", databaseError("53100"), "STORE_UNAVAILABLE"],
    ["a statement that took too long", databaseError("57014"), "STORE_UNAVAILABLE"],
    ["data that the database does not take", databaseError("23514"), "INTERNAL"],
    ["a fault of the lane", new Fault("OVERLOADED", "Too much waits for the database."), "OVERLOADED"],
  ])("is sent once, and %s is told as a fault", async (_, thrown, code) => {
    const { operators, sent } = operatorsWith(thrown);
    await expect(operators.purge(PURGE, NEVER)).rejects.toMatchObject({ code });
    expect(sent).toEqual(["purge"]);
  });

  test("is changed while lists wait, of which one tenant has no more than its share", async () => {
    const { promise: held, resolve: go } = Promise.withResolvers<void>();
    const looks: string[] = [];
    const { operators, looking } = operatorsWith(PURGED);
    looking.free = held;
    const listOf = (tenant: string) =>
      operators.list({ ...QUERY, tenant }, NEVER).catch((error: { code?: string }) => {
        looks.push(error.code ?? "was sent");
      });
    const lists = Array.from({ length: LOOKS_OF_TENANT_MAX }, () => listOf("acme"));
    await Promise.all([listOf("acme"), operators.purge(PURGE, NEVER)]);
    expect(looks).toEqual(["OVERLOADED"]);
    const other = listOf("other");
    go();
    await Promise.all([...lists, other]);
    expect(looks.slice(1)).toEqual(Array(LOOKS_OF_TENANT_MAX + 1).fill("was sent"));
    await listOf("acme");
    expect(looks.at(-1)).toBe("was sent");
  });

  test("is not sent when its deadline has passed", async () => {
    const { operators, sent, clock } = operatorsWith(PURGED);
    await expect(operators.purge(PURGE, clock.monotonicMs())).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(sent).toEqual([]);
  });

  test("an answer that cannot be is a bug, and goes up as it is", async () => {
    const { operators } = operatorsWith([]);
    await expect(operators.purge(PURGE, NEVER)).rejects.toThrow("bug: no row from purge");
  });
});
