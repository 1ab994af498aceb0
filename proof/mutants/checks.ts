import type { WeatherName } from "../sim/weather.ts";
import type { CommandCheck, Layer, VitestCheck } from "./mutant.ts";

/** What the simulation says of a mutant: it is judged by the reducer, and by who waits. */
export const SIMULATED = {
  unexplained: /^seed \d+: .* was (answered by the store|answered to|shown to) .*, which nothing explains/,
  waiting: /^seed \d+: .* waits too long; the record is /,
  lost: /^seed \d+: .*what somebody was told of is lost: /,
  twice: /^seed \d+: .* acquires while .* holds it/,
} as const;

/** A statement that changes nothing, and a reducer that says that it would have: the store asks a few times, and gives up. */
export const UNDECIDED = /^Caused by: Error: undecided after \d+ rounds$/;

/** @param file below test/unit */
export function unit(file: string, test: string, shows: RegExp): VitestCheck {
  return { kind: "vitest", layer: "unit", project: "unit", file: `test/unit/${file}`, test, shows };
}

/** A test of the contract that both stores are held to, on Postgres. */
export function contract(test: string, shows: RegExp): VitestCheck {
  return postgres("store", "store/contract.test.ts", test, shows);
}

/** A test of each statement by itself, against the reducer. */
export function every(test: string, shows: RegExp): VitestCheck {
  return postgres("store", "store/every-state.test.ts", test, shows);
}

/** @param file below test/postgres */
export function postgres(layer: Layer, file: string, test: string, shows: RegExp): VitestCheck {
  return { kind: "vitest", layer, project: "postgres", file: `test/postgres/${file}`, test, shows };
}

/**
 * Seeds of the simulation, which runs the code of the tree that it lies in, until one fails. That a thousand of them pass
 * where nothing is taken out is a test of its own, test/unit/proof/sim/seeds.test.ts.
 *
 * @param seeds several times as many as it took
 */
export function seeds(weather: WeatherName | "any", seeds: number, shows: RegExp): CommandCheck {
  const args = ["proof/mutants/checks/seeds.ts", weather, `${seeds}`];
  return { kind: "command", layer: "simulation", args, shows };
}

/** @param name of a file in proof/mutants/checks */
export function script(layer: Layer, name: string, shows: RegExp): CommandCheck {
  return { kind: "command", layer, args: [`proof/mutants/checks/${name}.ts`], shows };
}

/** @param row of proof/faults, whose report has a line for each thing that is wrong */
export function faults(row: string, shows: RegExp): CommandCheck {
  return { kind: "command", layer: "process", args: ["proof/faults/main.ts", "--only", row], shows };
}
