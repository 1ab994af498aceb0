import type { Config, Setting } from "../config.ts";
import { hasPassword } from "../database-password.ts";

/** Passwords of which one would go unused. `named` says what a setting is called where it was given. */
export function databaseContradictions(values: Partial<Config>, named: (setting: Setting) => string): string[] {
  const { databaseUrl, databasePasswordFile: file, databasePasswordCommand: command } = values;
  const problems = [];
  if (file && command) {
    problems.push(
      `${named("databasePasswordFile")} and ${named("databasePasswordCommand")} are two ways to one password`,
    );
  }
  const [given] = (["databasePasswordFile", "databasePasswordCommand"] as const).filter((setting) => values[setting]);
  if (given === undefined) return problems;
  if (databaseUrl === null) problems.push(`${named(given)} needs ${named("databaseUrl")}`);
  if (databaseUrl && hasPassword(databaseUrl)) {
    problems.push(`${named("databaseUrl")} has a password in it, and ${named(given)} tells another one: take one away`);
  }
  return problems;
}
