import type { WeatherName } from "../sim/weather.ts";
import type { CommandCheck, Layer, VitestCheck } from "./mutant.ts";

/** @param file below test/unit */
export function unit(file: string, test: string): VitestCheck {
  return { kind: "vitest", layer: "unit", project: "unit", file: `test/unit/${file}`, test };
}

/** A test of the contract that both stores are held to, on Postgres. */
export function contract(test: string): VitestCheck {
  return postgres("store", "store/contract.test.ts", test);
}

/** A test of each statement by itself, against the reducer. */
export function every(test: string): VitestCheck {
  return postgres("store", "store/every-state.test.ts", test);
}

/** @param file below test/postgres */
export function postgres(layer: Layer, file: string, test: string): VitestCheck {
  return { kind: "vitest", layer, project: "postgres", file: `test/postgres/${file}`, test };
}

/**
 * Seeds of the simulation, which runs the code of the tree that it lies in, until one fails. That a thousand of them pass
 * where nothing is taken out is a test of its own, test/unit/proof/sim/seeds.test.ts.
 *
 * @param seeds several times as many as it took
 */
export function seeds(weather: WeatherName | "any", seeds: number): CommandCheck {
  return { kind: "command", layer: "simulation", args: ["proof/mutants/checks/seeds.ts", weather, `${seeds}`] };
}

/** @param name of a file in proof/mutants/checks */
export function script(layer: Layer, name: string): CommandCheck {
  return { kind: "command", layer, args: [`proof/mutants/checks/${name}.ts`] };
}
