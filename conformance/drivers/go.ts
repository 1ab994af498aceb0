import { access } from "node:fs/promises";
import type { Prepared } from "../drivers.ts";
import { below, cacheOf, runTool, versionOf } from "./tool.ts";

/** The command of clients/go that speaks the protocol. */
const COMMAND = "./conformance";

/** Go itself knows whether what it has built before is what it would build. */
export async function prepareGo(): Promise<Prepared> {
  if ((await versionOf("go", ["version"])) === undefined) return { leftOut: "left out: there is no Go" };
  const cwd = below("clients/go");
  const isThere = await access(cwd).then(
    () => true,
    () => false,
  );
  if (!isThere) return { leftOut: "left out: there is no clients/go" };
  const program = `${cacheOf("go")}/driver`;
  await runTool("go", ["build", "-o", program, COMMAND], { cwd });
  return { command: { name: "go", command: program, args: [] } };
}
