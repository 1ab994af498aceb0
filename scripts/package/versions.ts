/** The texts that name a version, each in its own way. */
export interface Versioned {
  /** package.json */
  readonly manifest: string;
  /** clients/python/pyproject.toml */
  readonly python: string;
  /** CHANGELOG.md, with a heading for each version. */
  readonly changelog: string;
}

/** Which of them name another version; empty if none does. */
export function versionProblems(version: string, { manifest, python, changelog }: Versioned): readonly string[] {
  const found = [
    ["package.json", String((JSON.parse(manifest) as { readonly version?: unknown }).version)],
    ["clients/python/pyproject.toml", /^version = "(.*)"$/m.exec(python)?.[1] ?? "none"],
    ["the first version of CHANGELOG.md", /^## \[?(\d+\.\d+\.\d+)/m.exec(changelog)?.[1] ?? "none"],
  ] as const;
  return found
    .filter(([, other]) => other !== version)
    .map(([where, other]) => `${where} names ${other}, not ${version}`);
}
