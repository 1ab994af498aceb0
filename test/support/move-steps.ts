import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PAGE = new URL("../../docs/scaling.md", import.meta.url);
const PSQL = fileURLToPath(new URL("psql.ts", import.meta.url));

/** How docs/scaling.md moves the tenant acme to the placement us. Each step answers with what it prints. */
export interface MoveSteps extends AsyncDisposable {
  /** Blocks of bash on the page. */
  readonly count: number;
  leases(): Promise<string>;
  copy(): Promise<string>;
  switch(): Promise<string>;
  cleanUp(): Promise<string>;
}

/** The steps that the page says in bash, in its order, with psql or with what stands for it. */
export async function readMoveSteps(env: Readonly<Record<"MAIN" | "FROM" | "TO", string>>): Promise<MoveSteps> {
  const page = await readFile(PAGE, "utf8");
  const blocks = [...page.matchAll(/^```bash\n([\s\S]*?)^```$/gm)].map(([, block]) => block ?? "");
  const directory = await mkdtemp(join(tmpdir(), "holdfast-move-"));
  const shim = join(directory, "psql");
  await writeFile(shim, `#!/bin/sh\nexec "${process.execPath}" "${PSQL}" "$@"\n`);
  await chmod(shim, 0o755);
  // Behind the real one: that is what operators have.
  const path = [process.env["PATH"], directory].join(delimiter);
  const run = async (index: number) => {
    const script = `set -eo pipefail\n${blocks[index]}`;
    return (await promisify(execFile)("bash", ["-c", script], { env: { ...env, PATH: path } })).stdout.trim();
  };
  return {
    count: blocks.length,
    leases: () => run(0),
    copy: () => run(1),
    switch: () => run(2),
    cleanUp: () => run(3),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}
