import { stat } from "node:fs/promises";
import { OPTIONS, SETTINGS, type Setting } from "../config.ts";
import type { YamlEntry } from "../yaml-mapping.ts";
import { nearest } from "./hint.ts";
import { bothNames } from "./option.ts";
import { placeText, type Source } from "./source.ts";

/** What a configuration file says, unless that is wrong as a whole. */
export interface ConfigFile {
  readonly settings: ReadonlyMap<Setting, FileSetting>;
  readonly problems: readonly string[];
  /** False: it may set what `settings` do not have. */
  readonly isWhole: boolean;
  /** Every user of the machine may read it. */
  readonly isOpen: boolean;
}

export interface FileSetting {
  readonly value: unknown;
  readonly source: Extract<Source, { kind: "file" }>;
}

export const NO_FILE: ConfigFile = { settings: new Map(), problems: [], isWhole: true, isOpen: false };

const FILE_BYTES_MAX = 1024 * 1024;

/** For editors, which find the schema by it. */
const SCHEMA_NAME = "$schema";

/** Reads the names; what stands with them is parsed where it is used. */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  // Not before it is needed: most commands are run without a file, and YAML is heavy.
  const { readYamlMapping } = await import("../yaml-mapping.ts");
  const { entries, problems, isWhole } = await readYamlMapping(path, FILE_BYTES_MAX);
  const told = problems.map(({ line, sentence }) =>
    line === 0
      ? `the file of ${bothNames(OPTIONS.configFile)} cannot be used: ${sentence}`
      : `${placeText({ path, line })}: ${sentence}`,
  );
  const settings = new Map<Setting, FileSetting>();
  const unknown: YamlEntry[] = [];
  for (const entry of entries) {
    const { name, line, value } = entry;
    const setting = SETTINGS.find((known) => OPTIONS[known].name === name);
    if (setting !== undefined && setting !== "configFile") {
      settings.set(setting, { value, source: { kind: "file", path, line } });
    } else if (name !== SCHEMA_NAME) unknown.push(entry);
  }
  for (const { name, line } of unknown.slice(0, UNKNOWN_MAX)) {
    told.push(`${placeText({ path, line })}: ${unknownName(name)}`);
  }
  const more = unknown.length - UNKNOWN_MAX;
  if (more > 0) told.push(`file ${path}: ${more} more names are no settings`);
  return { settings, problems: told, isWhole, isOpen: await isOpen(path) };
}

/** Whoever gives some other file by mistake need not read more. */
const UNKNOWN_MAX = 20;

/** Not on Windows, where the mode says nothing. */
async function isOpen(path: string): Promise<boolean> {
  if (process.platform === "win32") return false;
  const mode = await stat(path).then(
    (found) => found.mode,
    () => 0,
  );
  return (mode & 0o004) !== 0;
}

const NAMES = SETTINGS.filter((setting) => setting !== "configFile").map((setting) => OPTIONS[setting].name);

/** Whoever knows the variable, or another program's files, may write it otherwise. */
function unknownName(given: string): string {
  if (given === OPTIONS.configFile.name) {
    return `a file names no other file: give ${bothNames(OPTIONS.configFile)} instead`;
  }
  // Anything else may be a value that lost its name.
  if (!/^[\w$.-]{1,64}$/.test(given)) return "this is no setting";
  const usual = given
    .replace(/^(HOLDFAST_|--)/, "")
    .replaceAll(/([a-z])([A-Z])/g, "$1-$2")
    .replaceAll(/[_.]/g, "-")
    .toLowerCase();
  const near = nearest(usual, NAMES);
  const hint = near === undefined ? '"holdfast config schema" has those that there are' : `did you mean ${near}?`;
  return `there is no setting ${JSON.stringify(given)}: ${hint}`;
}
