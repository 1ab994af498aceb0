// Before `npm pack`: builds, and puts the manifest that is published in the place of the repository's, whose exports are
// sources. With --restore, after it: puts the repository's back. One that was left behind, because the packing was
// interrupted, is put back first.
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, readManifest, writeJson } from "./package/build.ts";
import { serverManifest } from "./package/manifest.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const manifest = join(root, "package.json");
/** Not among what is packed, nor among what git looks at. */
const kept = join(root, "dist/package.repository.json");

if (existsSync(kept)) renameSync(kept, manifest);
if (!process.argv.includes("--restore")) {
  build(root);
  const own = readManifest(root);
  writeJson(join(root, "dist/package.published.json"), serverManifest(own));
  // Both by renaming, so that an interruption leaves a whole one of each.
  renameSync(manifest, kept);
  renameSync(join(root, "dist/package.published.json"), manifest);
}
