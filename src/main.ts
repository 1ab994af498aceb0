#!/usr/bin/env -S node --max-semi-space-size=32
/**
 * The bin. Imports nothing of ours before it knows that this Node can run it: a syntax error says nothing to anybody.
 *
 * V8's young generation is held to 32 MiB a half, where on a large machine it grows to 64 and more: as quick, and some 50
 * MiB less, under load as with ten thousand callers who wait (npm run bench -- --only memory). As an option of Node because V8 reads it before any module.
 */

import { enableCompileCache } from "node:module";
import { join } from "node:path";

const NODE_MIN = [24, 12] as const;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1])) {
  process.stderr.write(
    `holdfast needs Node ${NODE_MIN.join(".")} or newer; this is ${process.versions.node} (${process.execPath}). ` +
      "After npm ci, npx holdfast and the npm scripts use the one in node_modules/.bin.\n",
  );
  process.exitCode = 1;
} else {
  keepCompiled();
  // Whoever read our output has gone. A server whose log collector died still holds its callers' leases.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", ignoreClosedPipe);
  const { runCommand } = await import("./cli/commands.ts");
  const { createProcessIo } = await import("./cli/process-io.ts");
  process.exitCode = await runCommand(process.argv.slice(2), createProcessIo(process));
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

/**
 * Types are stripped and code is compiled once, not at each start: 0.3 s and 20 MB less. In a directory of the user's
 * own, because what lies there is run. Where it cannot be written nothing is kept.
 */
function keepCompiled(): void {
  const { XDG_CACHE_HOME, HOME } = process.env;
  const base = XDG_CACHE_HOME || (HOME && join(HOME, ".cache"));
  if (base) enableCompileCache(join(base, "holdfast", "compiled"));
}
