import { aboveZero, type Parsed, parse, type Run, SWITCH, TEXT } from "../command-line.ts";

export interface RunOptions {
  readonly files: readonly string[];
  readonly json: boolean;
  readonly visualize: string | undefined;
  readonly timeoutSeconds: number;
}

const TIMEOUT_SECONDS = 60;
const TIMEOUT_SECONDS_MAX = 3600;

const FLAGS = { json: SWITCH, visualize: TEXT, timeout: TEXT };

export function parseOptions(args: readonly string[]): Parsed<Run<RunOptions>> {
  return parse({ args, flags: FLAGS, takesOthers: true }, ({ json = false, visualize, timeout }, files) => {
    if (files.length === 0) throw new Error("no FILE was named: those of all client processes of the run");
    const timeoutSeconds = aboveZero("--timeout", timeout, TIMEOUT_SECONDS_MAX, TIMEOUT_SECONDS, "seconds: a number");
    return { kind: "run", options: { files, json, visualize, timeoutSeconds } };
  });
}

export const HELP = `Holds recorded calls against the contract: with validators of each promise, and with porcupine against the model.

usage: node proof/history/main.ts [--json] [--visualize DIR] [--timeout SECONDS] FILE...

  FILE             what a recorder has written: the files of all client processes of one run, of one host
  --json           one JSON object on standard output instead of text
  --visualize DIR  draw each violation that porcupine finds into DIR as a page of HTML
  --timeout S      for each search of one key (default ${TIMEOUT_SECONDS}); what takes longer is undecided
  --help           this

Porcupine needs Go; without it the validators run alone, and the output says so.
Ends with 0 if nothing is wrong, with 1 if something is, with 2 if it could not be told.
`;
