import { expect, test } from "vitest";
import { HELP, parseOptions } from "../../../conformance/options.ts";

const scenarios = ["waits for a record", "gives up waiting"].map((name) => ({ name, play: async () => undefined }));
const parse = (...args: readonly string[]) => parseOptions(args, scenarios);

test("a client of this project is named, and another one is a command", () => {
  const rest = { partner: "typescript", scenarios, json: false };
  expect(parse("--client", "go")).toEqual({ kind: "run", options: { ...rest, client: "go" } });
  const client = { name: "java", command: "java", args: ["-jar", "driver.jar"] };
  expect(parse("--driver", "java -jar driver.jar")).toEqual({ kind: "run", options: { ...rest, client } });
});

test("scenarios are chosen by a part of their names, and the partner by its language", () => {
  expect(parse("--client", "go", "--only", "gives", "--with", "python", "--json")).toMatchObject({
    options: { partner: "python", scenarios: [{ name: "gives up waiting" }], json: true },
  });
});

test.each([
  [[], "give --client or --driver, and not both"],
  [["--client", "go", "--driver", "x"], "give --client or --driver, and not both"],
  [["--client", "java"], "--client takes one of typescript, python, go"],
  [["--client", "go", "--with", "java"], "--with takes one of typescript, python, go"],
  [["--driver", " "], "--driver takes a command"],
  [["--client", "go", "--only", "dances"], '--only takes a part of a scenario\'s name, and none has "dances"'],
  [["--clinet", "go"], "the flags are --client, --driver, --with, --only, --json, --help"],
])("%j are refused, with what is allowed", (args, why) => {
  expect(parse(...args)).toMatchObject({ kind: "refused", why: expect.stringContaining(why) });
});

test("the help names every flag", () => {
  for (const flag of ["client", "driver", "with", "only", "json", "help"]) expect(HELP).toContain(`--${flag}`);
});
