// Takes the lock of the directory named by the first argument as often as the second says, and prints a line each time.
// Ends with 1 when somebody else was inside at the same time.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../src/clock.ts";
import { withLock } from "../../src/server/embedded-postgres/lock.ts";

const [directory = "", times] = process.argv.slice(2);
const inside = join(directory, "inside");
for (let n = 0; n < Number(times); n++) {
  await withLock(directory, systemClock, async () => {
    const mine = `${process.pid}-${n}`;
    await writeFile(inside, mine);
    await systemClock.sleep(1);
    if ((await readFile(inside, "utf8")) !== mine) process.exit(1);
  });
  process.stdout.write("taken\n");
}
