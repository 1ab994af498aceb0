import { expect, test } from "vitest";
import { optionsHelp, readArguments } from "../../../../src/cli/demo/options.ts";

test("without flags the demo is the one that the documentation speaks of", () => {
  expect(readArguments([])).toEqual({
    kind: "options",
    options: { input: null, servers: 3, workers: 8, leaseMs: 2_000, seed: "1", json: false },
  });
});

test("flags take their value behind a space or an equals sign", () => {
  const args = ["--input", "my.ndjson", "--servers=1", "--workers", "2", "--lease=1500ms", "--seed", "x", "--json"];
  expect(readArguments(args)).toEqual({
    kind: "options",
    options: { input: "my.ndjson", servers: 1, workers: 2, leaseMs: 1_500, seed: "x", json: true },
  });
});

test("everything that is wrong is said at once", () => {
  const read = readArguments([
    "--servers",
    "0",
    "--lease=2",
    "--worker=3",
    "log.ndjson",
    "--input=",
    "--seed",
    "--json",
  ]);
  expect(read).toEqual({
    kind: "problems",
    problems: [
      'unknown flag "--worker" of "holdfast demo": did you mean --workers?',
      '"holdfast demo" takes flags only; a log goes behind --input',
      "--input must be a file",
      "--servers must be a whole number from 1 to 16",
      "--lease must be a time from 1s to 1m, such as 10s",
      "--seed must be a text that is not empty",
    ],
  });
});

test("--help wins over everything else", () => {
  expect(readArguments(["--servers=0", "--help"])).toEqual({ kind: "help" });
});

test("the help names every flag", () => {
  for (const flag of ["--input", "--servers", "--workers", "--lease", "--seed", "--json"]) {
    expect(optionsHelp()).toContain(flag);
  }
});
