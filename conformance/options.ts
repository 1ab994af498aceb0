import { oneOf, type Parsed, parse, type Run, SWITCH, TEXT } from "../proof/command-line.ts";
import type { DriverCommand } from "./driver.ts";
import { LANGUAGES, type Language } from "./drivers.ts";
import type { Scenario } from "./scenarios/scenario.ts";

export interface RunnerOptions {
  /** Of this project, or of somebody else: a program that speaks the protocol. */
  readonly client: Language | DriverCommand;
  readonly partner: Language;
  readonly scenarios: readonly Scenario[];
  readonly json: boolean;
}

const FLAGS = { client: TEXT, driver: TEXT, with: TEXT, only: TEXT, json: SWITCH };

export function parseOptions(args: readonly string[], all: readonly Scenario[]): Parsed<Run<RunnerOptions>> {
  return parse({ args, flags: FLAGS }, ({ client, driver, with: partner = "typescript", only, json = false }) => {
    if ((client === undefined) === (driver === undefined)) throw new Error("give --client or --driver, and not both");
    const scenarios = all.filter(({ name }) => only === undefined || name.includes(only));
    if (scenarios.length === 0) throw new Error(`--only takes a part of a scenario's name, and none has "${only}"`);
    const chosen = client === undefined ? commandOf(driver ?? "") : oneOf("--client", client, LANGUAGES);
    return { kind: "run", options: { client: chosen, partner: oneOf("--with", partner, LANGUAGES), scenarios, json } };
  });
}

/** Words with spaces between them; for more there are shells. */
function commandOf(text: string): DriverCommand {
  const [command = "", ...args] = text.trim().split(/\s+/);
  if (command === "") throw new Error("--driver takes a command, such as 'python -m holdfast.conformance'");
  return { name: command, command, args };
}

export const HELP = `Holds a client against the vectors and the scenarios that all clients are held against, with a server of its own.

usage: node conformance/runner.ts (--client LANGUAGE | --driver COMMAND) [--with LANGUAGE] [--only TEXT] [--json]

  --client L        one of this project: ${LANGUAGES.join(", ")}
  --driver COMMAND  another one: a program that speaks the protocol of conformance/README.md, and its arguments
  --with L          with whom it plays where a scenario takes two (default typescript)
  --only TEXT       only scenarios whose names have this in them
  --json            one JSON object on standard output instead of text
  --help            this

Ends with 0 if everything was as it should be, with 1 if something was not, with 2 if it could not run.
`;
