import { describe, expect, test } from "vitest";
import { readArguments } from "../../../../src/cli/arguments.ts";
import { explainRecord } from "../../../../src/cli/keys/explain.ts";
import { KEYS_SUBCOMMANDS } from "../../../../src/cli/keys/subcommands.ts";
import { STATES } from "../../../../src/cli/keys/view.ts";
import { explanationText } from "../../../../src/cli/keys/why.ts";
import { wrongValues } from "../../../../src/cli/own-flags.ts";
import { wordsOf } from "../shell.ts";
import { CASES, record, UNKNOWN } from "./explain-cases.ts";

const HERE = { tenant: null, connection: [] };

/** To be read aloud: what is in it is what people are told at night. */
test("every record is explained as the page of explanations has it", async () => {
  const page = CASES.map(([name, view]) => {
    return `#### ${name}\n\n${explanationText(view, explainRecord(view, HERE), Number.POSITIVE_INFINITY)}`;
  }).join("\n");
  await expect(page).toMatchFileSnapshot("explanations.txt");
});

test("the cases hold every state, and every way to be stuck", () => {
  const views = CASES.map(([, view]) => view);
  expect(new Set(views.map(({ state }) => state))).toEqual(new Set(STATES));
  expect(new Set(views.map(({ stuck }) => stuck))).toEqual(
    new Set(["", "outcome-unknown", "lease-expired", "overdue"]),
  );
  expect(new Set(views.map(({ unknownReason }) => unknownReason)).size).toBe(4);
  expect(new Set(views.map(({ failReason }) => failReason)).size).toBe(4);
});

describe.each(CASES)("%s", (_, view) => {
  const explanation = explainRecord(view, HERE);

  test("has sentences that begin with a capital letter and end", () => {
    for (const sentence of [...explanation.standing, ...explanation.next]) {
      expect(sentence).toMatch(/^[A-Z].*(\.|: \S.*)$/);
    }
    for (const { means, command } of explanation.remedies) {
      expect(means).toMatch(command === null ? /^[A-Z].*[.:]$/ : /^[A-Z].*\.$/);
    }
  });

  test("says what happens if nobody does anything, and what an operator can do", () => {
    expect(explanation.next.length).toBeGreaterThan(0);
    expect(explanation.remedies.length).toBeGreaterThan(0);
  });

  test("offers commands that are understood, once what is in capital letters has been filled in", () => {
    for (const { command } of explanation.remedies) if (command !== null) expect(problemsOf(command)).toEqual([]);
  });

  test("is stuck in the first line if it is stuck", () => {
    expect(explanation.headline.startsWith("is stuck: ")).toBe(view.stuck !== "");
  });
});

describe("a command", () => {
  const keysOf = (key: string, scope: string, invocation = HERE as Parameters<typeof explainRecord>[1]) => {
    const { remedies } = explainRecord(record({ ...UNKNOWN, key, scope }), invocation);
    return remedies.flatMap(({ command }) => (command === null ? [] : [wordsOf(command)]));
  };

  test.each(["-rf", "--help", "it's", "\u001b[2J", "two words", "東京"])("leads to the record of the key %j", (key) => {
    for (const words of keysOf(key, "charge")) {
      const { words: read } = readKeys(words);
      expect(read).toEqual([key]);
    }
  });

  test("leads to a scope that looks like a flag", () => {
    for (const words of keysOf("k", "--odd")) expect(readKeys(words).flags.get("scope")).toEqual(["--odd"]);
  });

  test("leads to the tenant and the server that were named", () => {
    const invocation = { tenant: "acme", connection: ["--server", "db 1:7400", "--tls"] };
    const [words = []] = keysOf("k", "charge", invocation);
    expect(words.slice(-4)).toEqual(["WHY", "--server", "db 1:7400", "--tls"]);
    expect(readKeys(words).flags.get("tenant")).toEqual(["acme"]);
  });
});

test("what others have written does not steer the terminal", () => {
  const evil = "\u001b[2J\u202e";
  const view = record({ ...UNKNOWN, key: evil, scope: evil, owner: evil, externalRef: evil });
  const error = { code: 5, message: evil, details: [] };
  const events = view.events.map((event) => ({ ...event, owner: evil, actor: evil, reason: evil, error }));
  const text = explanationText(view, explainRecord({ ...view, error, events }, HERE), 80);
  for (const steering of ["\u001b", "\u202e"]) expect(text).not.toContain(steering);
});

test("sentences are broken at the width of the terminal, commands are not", () => {
  const view = record(UNKNOWN);
  const lines = explanationText(view, explainRecord(view, HERE), 60).split("\n");
  const long = lines.filter((line) => line.length > 60);
  expect(long.every((line) => line.startsWith("    holdfast ") || /^ {2}\d{4}-/.test(line))).toBe(true);
  expect(lines.some((line) => line.startsWith("    holdfast keys resolve"))).toBe(true);
});

/** As `holdfast keys` reads it. */
function readKeys([, command, subcommand, ...args]: readonly string[]) {
  if (command === "wait")
    return readArguments("wait", "", [{ name: "scope", placeholder: "SCOPE" }], [subcommand ?? "", ...args]);
  const known = KEYS_SUBCOMMANDS.find(({ name }) => name === subcommand);
  if (known === undefined) throw new Error(`there is no command ${subcommand}`);
  return readArguments("keys", known.name, known.flags, args);
}

function problemsOf(command: string): readonly string[] {
  const words = wordsOf(command.replace("'RESULT'", "'{}'"));
  const known = KEYS_SUBCOMMANDS.find(({ name }) => name === words[2]);
  const { problems, flags } = readKeys(words);
  if (known === undefined) return problems;
  return [...problems, ...wrongValues(flags, known.flags), ...known.problems(flags, true)];
}
