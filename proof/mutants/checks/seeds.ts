import { runOne } from "../../sim/seeds.ts";
import { WEATHERS } from "../../sim/weather.ts";

/**
 * Seeds of the simulation from the first on, until one fails: `node seeds.ts WEATHER SEEDS`, the weather "any" for
 * whichever each seed has. What is simulated is the code of the tree that this lies in.
 */

const [named = "any", count = "100"] = process.argv.slice(2);
const weather = WEATHERS.find((each) => each === named) ?? null;
if (weather === null && named !== "any") throw new Error(`no weather is called ${named}`);

process.exitCode = await firstFault(Number(count));

async function firstFault(seeds: number): Promise<number> {
  for (let seed = 1; seed <= seeds; seed++) {
    const { fault } = await runOne(seed, { mutant: null, weather });
    if (fault === null) continue;
    process.stdout.write(`seed ${seed}: ${fault.split("\n", 1)[0]}\n`);
    return 1;
  }
  return 0;
}
