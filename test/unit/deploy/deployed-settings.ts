import { readFileSync } from "node:fs";
import { environmentName } from "../../../src/server/config/option.ts";
import { OPTIONS, SETTINGS } from "../../../src/server/config.ts";

const ROOT = new URL("../../../", import.meta.url);

export const pathOf = (path: string) => new URL(path, ROOT);

export const read = (path: string) => readFileSync(pathOf(path), "utf8");

const KNOWN: ReadonlySet<string> = new Set(SETTINGS.map((setting) => environmentName(OPTIONS[setting].name)));

/** Variables of a text that look like settings and are none. */
export function unknownVariables(text: string): readonly string[] {
  const named = text.match(/\bHOLDFAST_[A-Z0-9_]+/g) ?? [];
  return [...new Set(named)].filter((name) => !KNOWN.has(name));
}

/** Flags that a text names and no command has. */
export function unknownFlags(text: string): readonly string[] {
  const names = new Set(SETTINGS.map((setting) => `--${OPTIONS[setting].name}`));
  const named = text.match(/(?<=[\s(`"])--[a-z][a-z-]+/g) ?? [];
  return [...new Set(named)].filter((name) => !names.has(name));
}
