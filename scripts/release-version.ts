// Whether all that is published names the version of a tag: `node scripts/release-version.ts v1.2.3`. Exit codes: 0 they
// do, 1 one does not, 2 that is no tag of a release.
import { readFileSync } from "node:fs";
import { versionProblems } from "./package/versions.ts";

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const [tag = ""] = process.argv.slice(2);
const version = /^v(\d+\.\d+\.\d+)$/.exec(tag)?.[1];

if (version === undefined) {
  console.error(`"${tag}" is no tag of a release: v1.2.3`);
  process.exitCode = 2;
} else {
  const problems = versionProblems(version, {
    manifest: read("package.json"),
    python: read("clients/python/pyproject.toml"),
    changelog: read("CHANGELOG.md"),
  });
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
