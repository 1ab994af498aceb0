import { has } from "./expect.ts";
import type { Troupe } from "./stage.ts";
import { type VectorFile, vectorsOf } from "./vectors.ts";

/** What a client answers otherwise than a file says. */
export async function wrongVectors(troupe: Troupe, file: VectorFile): Promise<readonly string[]> {
  await using stage = troupe.stage();
  const { driver } = await stage.client();
  const wrong: string[] = [];
  for (const { name, op, ask, expected } of vectorsOf(file)) {
    try {
      has(await driver.answerOf(op, ask), expected);
    } catch (error) {
      wrong.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return wrong;
}
