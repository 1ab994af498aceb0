import { describe, expect, test } from "vitest";
import { readFileOf } from "../../support/config-file.ts";

const NOT_YAML =
  "this is not YAML: what begins with a sign such as [ or @, or has a colon or # and a space in it, belongs in quotes";
const NO_REFERENCES = "anchors (&) and aliases (*) are not taken, and a value that begins so belongs in quotes";
const TIME = "must be a time from 0 to 5m, such as 500ms, 10s or 5m";

describe("a name that is none", () => {
  test.each([
    ["grpc-adress", "did you mean grpc-address?"],
    ["databaseUrl", "did you mean database-url?"],
    ["database_url", "did you mean database-url?"],
    ["HOLDFAST_DATABASE_URL", "did you mean database-url?"],
    ["--database-url", "did you mean database-url?"],
    ["<<", undefined],
    ["verbose", '"holdfast config schema" has those that there are'],
    ["postgres://me:geheim@db/x", undefined],
  ])("%s", async (name, hint) => {
    const { problems } = await readFileOf(`log-level: info\n"${name}": geheim\n`);
    const told = hint === undefined ? "this is no setting" : `there is no setting ${JSON.stringify(name)}: ${hint}`;
    expect(problems).toEqual([`file holdfast.yaml line 2: ${told}`]);
  });

  test("of another file", async () => {
    expect((await readFileOf("config: other.yaml\n")).problems).toEqual([
      "file holdfast.yaml line 1: a file names no other file: give --config (HOLDFAST_CONFIG) instead",
    ]);
  });
});

describe("a value of the wrong type", () => {
  test.each([
    ["drain-delay: 5", `${TIME}, not a number`],
    ["drain-delay: soon", TIME],
    ["drain-delay: 6m", TIME],
    ["drain-delay: [1s]", `${TIME}, not a list`],
    ["drain-delay: {geheim: 1s}", `${TIME}, not names and values`],
    ["drain-delay:", `${TIME}; there is nothing, and without the line it is the default`],
    ["drain-delay: ''", `${TIME}; there is nothing, and without the line it is the default`],
    ["drain-delay: ~", `${TIME}; there is nothing, and without the line it is the default`],
    ["validator-port: abc", "must be a whole number from 1 to 65535, not text"],
    ["validator-port: '443'", "must be a whole number from 1 to 65535, without quotes"],
    ["validator-port: 443.5", "must be a whole number from 1 to 65535"],
    ["validator-port: 70000", "must be a whole number from 1 to 65535"],
    ["validator-port: 1e400", "must be a whole number from 1 to 65535"],
    ["validator-port: .nan", "must be a whole number from 1 to 65535"],
    ["workers: 0", "must be a whole number from 1 to 64, or auto"],
    ["workers: 65", "must be a whole number from 1 to 64, or auto"],
    ["workers: '4'", "must be a whole number from 1 to 64, or auto, without quotes"],
    ["workers: all", "must be a whole number from 1 to 64, or auto, not text"],
    ["migrate: yes", "must be true or false, not text"],
    ["migrate: 'true'", "must be true or false, without quotes"],
    ["migrate: 1", "must be true or false, not a number"],
    ["jwt-audience: 7", "must be a text that is not empty, not a number"],
    ["jwt-audience: true", "must be a text that is not empty, not true or false"],
    ["log-level: loud", "must be one of debug, info, warn, error"],
    ["auth: []", "must be a list of one or several of api-key, jwt, mtls"],
    ["auth: [api-key, geheim]", "must be a list of one or several of api-key, jwt, mtls"],
    ["auth: [api-key, api-key]", "must be a list of one or several of api-key, jwt, mtls"],
    ["auth: ['api-key,jwt']", "must be a list of one or several of api-key, jwt, mtls, not a list"],
    ["max-memory: 512", "must be a size such as 512MiB or 2GiB, or off, not a number"],
    ["max-memory: 0MiB", "must be a size such as 512MiB or 2GiB, or off"],
    ["max-event-loop-delay: 0", "must be a time from 10ms to 1m, such as 500ms or 10s, or off, not a number"],
    [
      "database-url: mysql://geheim",
      "must be postgres://USER:PASSWORD@HOST:PORT/DATABASE, or with a socket directory: postgres:///DATABASE?host=/DIR",
    ],
  ])("%s", async (line, problem) => {
    const [name] = line.split(":");
    const { problems } = await readFileOf(`\n${line}\n`);
    expect(problems).toEqual([`${name} (file holdfast.yaml line 2) ${problem}`]);
  });

  test.each([
    ["{}"],
    ["{EU: 'postgres://u@h/d'}"],
    ["{'eu=x': 'postgres://u@h/d'}"],
    ["{eu: 'postgres://u:geheim@h/d us=postgres://x'}"],
    ["{eu: 'mysql://geheim'}"],
    ["{eu: {url: 'postgres://u@h/d'}}"],
    ["{eu: ~}"],
    ["[eu]"],
    ["eu"],
  ])("placements: %s", async (value) => {
    const { problems } = await readFileOf(`placements: ${value}\n`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(
      /^placements \(file holdfast\.yaml line 1\) must be names \(a-z, 0-9, -\), each followed by a colon and its database address/,
    );
    expect(problems[0]).not.toContain("geheim");
  });
});

describe("what is no file of settings", () => {
  test.each([
    ["the same name twice", "log-level: info\n\nlog-level: info\n", 3, "the same name is on line 1 already"],
    [
      "the same placement twice",
      "placements:\n  eu: postgres://h/d\n  eu: postgres://h/d\n",
      3,
      "the same name is on line 2 already",
    ],
    ["text", "geheim\n", 1, "a file holds settings, one in a line, such as log-level: info"],
    ["a list", "- log-level: geheim\n", 1, "a file holds settings, one in a line, such as log-level: info"],
    ["a name that is no text", "[geheim]: x\n", 1, "names are text"],
    ["an anchor", "jwt-issuer: &geheim x\n", 1, NO_REFERENCES],
    ["an anchor and its alias", "jwt-issuer: &geheim x\njwt-audience: *geheim\n", 1, NO_REFERENCES],
    ["an alias of nothing", "\njwt-issuer: *geheim\n", 2, NO_REFERENCES],
    ["a tag", "jwt-issuer: !geheim x\n", 1, "what begins with ! belongs in quotes"],
    ["a tag of a language", "jwt-issuer: !!js/function geheim\n", 1, "what begins with ! belongs in quotes"],
    ["a tab", "a:\n\tb: geheim\n", 2, "lines are indented with spaces, not with tabs"],
    ["two documents", "log-level: info\n---\nlog-level: geheim\n", 2, "it holds more than one document"],
    ["a quote that stays open", "log-level: info\njwt-issuer: 'geheim\n", 3, NOT_YAML],
    ["a list that stays open", "auth: [geheim\n", 2, NOT_YAML],
    ["a sign that is reserved", "jwt-issuer: @geheim\n", 1, NOT_YAML],
    ["a colon in a value", "jwt-issuer: ge: heim\n", 1, NOT_YAML],
    ["an escape that is none", 'jwt-issuer: "\\geheim"\n', 1, NOT_YAML],
    ["the colon of a socket address", "grpc-address: [::1]:7400\n", 1, NOT_YAML],
    ["brackets without end", "[".repeat(100_000), 1, "it is nested too deeply"],
  ])("%s", async (_, text, line, why) => {
    const { problems } = await readFileOf(text);
    expect(problems[0]).toBe(`file holdfast.yaml line ${line}: ${why}`);
    expect(problems.join("\n")).not.toContain("geheim");
  });

  test("aliases of aliases are not followed", async () => {
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x, x]"];
    for (let i = 1; i < 12; i++)
      bomb.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i > 1 ? i - 1 : ""}`)
          .join(", ")}]`,
      );
    const { problems } = await readFileOf(bomb.join("\n"));
    expect(problems[0]).toBe(`file holdfast.yaml line 1: ${NO_REFERENCES}`);
    expect(problems).toHaveLength(12);
  });

  test("a hundred thousand names are told in a bounded number of sentences for each thing that is wrong", async () => {
    const same = Array.from({ length: 100_000 }, () => "tls: true").join("\n");
    expect((await readFileOf(same)).problems).toHaveLength(20);
  });

  test("a file that is another program's is told in twenty sentences and a number", async () => {
    const names = Array.from({ length: 50_000 }, (_, i) => `name-${i}: geheim`).join("\n");
    const { problems } = await readFileOf(names);
    expect(problems).toHaveLength(21);
    expect(problems.at(-1)).toBe("file holdfast.yaml: 49980 more names are no settings");
  });

  test("names that mean something to JavaScript mean nothing here", async () => {
    const { problems } = await readFileOf(
      "__proto__: {x: 1}\nconstructor: 1\ntoString: 1\nplacements: {__proto__: 'postgres://u@h/d'}\n",
    );
    expect(problems).toHaveLength(4);
    expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  });
});

test("everything that is wrong is told at once: in the file, in the environment and in flags", async () => {
  const { problems } = await readFileOf("log-levle: info\ndrain-delay: 5\ndrain-delay: 5\nmigrate: perhaps\n", {
    args: ["--sweep-intervall", "1s"],
    env: { HOLDFAST_DRAIN_GRACE: "geheim" },
  });
  expect(problems).toEqual([
    'unknown flag "--sweep-intervall" of "holdfast serve": did you mean --sweep-interval?',
    "file holdfast.yaml line 3: the same name is on line 2 already",
    'file holdfast.yaml line 1: there is no setting "log-levle": did you mean log-level?',
    "migrate (file holdfast.yaml line 4) must be true or false, not text",
    expect.stringMatching(/^drain-delay \(file holdfast.yaml line 3\) must be /),
    expect.stringMatching(/^HOLDFAST_DRAIN_GRACE must be /),
  ]);
});
