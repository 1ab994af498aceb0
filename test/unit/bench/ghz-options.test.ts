import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseGhzOptions } from "../../../bench/ghz/options.ts";
import { CONFIGS } from "../../../bench/ghz/run.ts";

test("all configurations run for five seconds on a server of its own, unless told otherwise", () => {
  expect(parseGhzOptions([])).toEqual({ server: null, configs: CONFIGS, seconds: 5, out: null });
  const told = ["--server", "db.example:7400", "--only", "replay, claim", "--seconds", "30", "--out", "x.json"];
  expect(parseGhzOptions(told)).toEqual({
    server: "db.example:7400",
    configs: CONFIGS.filter(({ name }) => name === "claim" || name === "replay"),
    seconds: 30,
    out: "x.json",
  });
  expect(parseGhzOptions(["--help"])).toBeNull();
});

test.each([
  [["--only", "claims"], '--only knows no "claims"; there are claim, claim-open, pairs'],
  [["--only", ""], '--only knows no ""'],
  [["--seconds", "0"], "--seconds takes a whole number from 1 to 600"],
  [["--seconds", "1.5"], "--seconds takes a whole number from 1 to 600"],
  [["--seconds", "601"], "--seconds takes a whole number from 1 to 600"],
  [["--seconds", ""], "--seconds takes a whole number from 1 to 600"],
  [["--server", "http://localhost:7400"], "--server takes HOST:PORT"],
  [["--server", "localhost"], "--server takes HOST:PORT"],
  [["--rounds", "3"], "'--rounds'"],
])("%j is refused: %s", (args, why) => {
  expect(() => parseGhzOptions(args)).toThrow(why);
});

test.each(CONFIGS)("$name is a file of ghz's, for a method of the service", ({ name, halfOf }) => {
  const url = new URL(`../../../bench/ghz/${name}.json`, import.meta.url);
  expect(existsSync(url)).toBe(true);
  const config = JSON.parse(readFileSync(url, "utf8")) as Record<string, unknown>;
  expect(config["name"]).toBe(name);
  expect(config["call"]).toMatch(/^holdfast\.v1\.IdempotencyService\.(Claim|Complete|WaitFor|Session)$/);
  // An open loop sends without waiting for answers.
  expect([config["async"] ?? false, "rps" in config]).toEqual([halfOf !== undefined, halfOf !== undefined]);
});
