import { parseArgs } from "node:util";
import { CONFIGS } from "./run.ts";

const SECONDS = 5;
const SECONDS_MAX = 600;

export const HELP = `Measures Holdfast with ghz, which it builds with the Go toolchain, and prints one JSON object.

usage: npm run bench:ghz -- [--server HOST:PORT] [--only CONFIG,CONFIG] [--seconds S] [--out FILE]

  --server HOST:PORT  a server that runs already, without TLS and authentication (default: one of its own, with an
                      embedded Postgres, that goes away afterwards)
  --only CONFIGS      only these of bench/ghz: ${CONFIGS.map(({ name }) => name).join(", ")}
  --seconds S         how long each of them takes (default ${SECONDS})
  --out FILE          write the JSON object to this file instead of standard output
  --help              this

Ends with 1 if a call failed, with 2 if it could not run; without a Go toolchain it cannot.
`;

export interface GhzOptions {
  readonly server: string | null;
  readonly configs: typeof CONFIGS;
  readonly seconds: number;
  readonly out: string | null;
}

/** Null for the help. What is not allowed is thrown, with what is. */
export function parseGhzOptions(args: readonly string[]): GhzOptions | null {
  const text = { type: "string" } as const;
  const flags = { server: text, only: text, seconds: text, out: text, help: { type: "boolean", short: "h" } } as const;
  const { values } = parseArgs({ args: [...args], options: flags });
  if (values.help) return null;
  const seconds = Number(values.seconds ?? SECONDS);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > SECONDS_MAX) {
    throw new Error(`--seconds takes a whole number from 1 to ${SECONDS_MAX}`);
  }
  const names = values.only?.split(",").map((name) => name.trim());
  const unknown = names?.find((name) => !CONFIGS.some((config) => config.name === name));
  if (unknown !== undefined) {
    throw new Error(`--only knows no "${unknown}"; there are ${CONFIGS.map(({ name }) => name).join(", ")}`);
  }
  if (values.server !== undefined && !/^[^/]+:\d+$/.test(values.server)) throw new Error("--server takes HOST:PORT");
  const configs = names === undefined ? CONFIGS : CONFIGS.filter(({ name }) => names.includes(name));
  return { configs, seconds, server: values.server ?? null, out: values.out ?? null };
}
