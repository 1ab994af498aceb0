import { pathToFileURL } from "node:url";

/**
 * Loads the modules of the tree that it runs in: `node loads.ts src/a.ts src/b.ts`. Ends with 0 when all can be loaded,
 * and with 2 when one cannot, and says why.
 */
try {
  for (const file of process.argv.slice(2)) await import(pathToFileURL(file).href);
  // What a module may have begun is not waited for.
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(2);
}
