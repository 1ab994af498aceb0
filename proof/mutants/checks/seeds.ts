import type { WeatherName } from "../../sim/weather.ts";

/**
 * Seeds of the simulation from the first on, until one fails: `node seeds.ts WEATHER SEEDS`, the weather "any" for
 * whichever each seed has. What is simulated is the code of the tree that this lies in. Ends the process with 0 when no
 * seed fails, with 1 when one does and says how, and with 2 when there was no simulation: the code is only loaded here,
 * so that what cannot be loaded is told from what fails.
 */

const [named = "any", count = "100"] = process.argv.slice(2);

// Whatever is thrown between two awaits of the simulation is no finding of it.
process.once("uncaughtException", (error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(2);
});
try {
  process.exitCode = await firstFault(Number(count));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 2;
}

async function firstFault(seeds: number): Promise<number> {
  const { runOne } = await import("../../sim/seeds.ts");
  const { WEATHERS } = await import("../../sim/weather.ts");
  const weather: WeatherName | null = WEATHERS.find((each) => each === named) ?? null;
  if (weather === null && named !== "any") throw new Error(`no weather is called ${named}`);
  if (!Number.isInteger(seeds) || seeds < 1) throw new Error(`there must be a seed at least, and not ${count}`);
  for (let seed = 1; seed <= seeds; seed++) {
    const { fault } = await runOne(seed, { mutant: null, weather });
    if (fault === null) continue;
    process.stdout.write(`seed ${seed}: ${fault.split("\n", 1)[0]}\n`);
    return 1;
  }
  return 0;
}
