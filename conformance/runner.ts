import { jsonOf, runProgram } from "../proof/command-line.ts";
import { startPostgres } from "../proof/races/stand/postgres.ts";
import { startServer } from "../test/process/server.ts";
import type { DriverCommand } from "./driver.ts";
import { type Language, prepareDriver } from "./drivers.ts";
import { wrongVectors } from "./held.ts";
import { HELP, parseOptions, type RunnerOptions } from "./options.ts";
import { SCENARIOS } from "./scenarios.ts";
import { createTroupe, type Troupe } from "./stage.ts";
import { VECTOR_FILES } from "./vectors.ts";

/** What was held against the client; `wrong` is empty where it did as it should. */
interface Held {
  readonly name: string;
  readonly wrong: readonly string[];
}

/** Most of a scenario is waiting. */
const AT_ONCE = 5;

const program = { name: "conformance", command: "node conformance/runner.ts", help: HELP };
await runProgram(program, parseOptions(process.argv.slice(2), SCENARIOS), ({ options }) => run(options));

async function run({ client, partner, scenarios, json }: RunnerOptions): Promise<number> {
  const say = (text: string) => void (json ? process.stderr : process.stdout).write(`${text}\n`);
  const [command, other] = [await commandOf(client), await commandOf(partner)];
  await using postgres = await startPostgres();
  const start = (args: readonly string[] = []) => startServer({ databaseUrl: postgres.url, args });
  await using server = await start();
  await using troupe = createTroupe({ command, other, address: server.grpc, startServer: start });
  const held: Held[] = [];
  const add = (one: Held) => {
    held.push(one);
    say([`${one.wrong.length === 0 ? "ok   " : "WRONG"} ${one.name}`, ...one.wrong].join("\n      "));
  };
  for (const file of VECTOR_FILES) add({ name: `vectors/${file}.json`, wrong: await wrongVectors(troupe, file) });
  const left = [...scenarios];
  const lane = async () => {
    for (let scenario = left.shift(); scenario !== undefined; scenario = left.shift()) {
      add({ name: scenario.name, wrong: await wrongOf(troupe, scenario.play) });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  const wrong = held.filter((one) => one.wrong.length > 0).length;
  if (json) process.stdout.write(jsonOf({ kind: "conformance", client: command.name, with: other.name, held }));
  say(`${command.name}, with ${other.name}: ${held.length - wrong} of ${held.length} as they should be`);
  return wrong === 0 ? 0 : 1;
}

async function wrongOf(troupe: Troupe, play: (typeof SCENARIOS)[number]["play"]): Promise<readonly string[]> {
  try {
    await using stage = troupe.stage();
    await play(stage);
    return [];
  } catch (error) {
    return textsOf(error);
  }
}

/** What went wrong first, and then what went wrong in closing what it had opened. */
function textsOf(error: unknown): readonly string[] {
  if (error instanceof SuppressedError) return [...textsOf(error.suppressed), ...textsOf(error.error)];
  return [error instanceof Error ? error.message : String(error)];
}

async function commandOf(client: Language | DriverCommand): Promise<DriverCommand> {
  if (typeof client !== "string") return client;
  const { command, leftOut } = await prepareDriver(client);
  if (command === undefined) throw new Error(`${client} is ${leftOut}`);
  return command;
}
