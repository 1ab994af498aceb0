import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { systemClock, wallClockMs } from "../clock.ts";
import type { Option } from "./config/option.ts";
import type { Sources } from "./config/read.ts";
import { givenName } from "./config/source.ts";
import { type Config, OPTIONS, optionsOf, type Setting } from "./config.ts";
import { isOperatorError } from "./operator-error.ts";
import { readMasterKeys } from "./sealing.ts";
import { termsOf } from "./tenancy.ts";
import { checkTenantsFile } from "./tenants-file.ts";
import { createWatchDates } from "./tls/dates.ts";
import { readTlsFiles } from "./tls/files.ts";

export interface FilesCheck {
  /** What would keep the server from starting. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Looks at the files that settings name, as the server does when it starts. A setting that could not be read is undefined.
 * The configuration file is left out: whoever has read it tells of it.
 */
export async function checkFiles(values: Partial<Config>, sources: Sources): Promise<FilesCheck> {
  const problems: string[] = [];
  const warnings: string[] = [];
  const { placements = null } = values;
  const names = ["main", ...(placements ?? []).map(({ name }) => name)];
  for (const setting of optionsOf("config")) {
    if (setting === "configFile") continue;
    const given = givenName(OPTIONS[setting], sources.get(setting) ?? { kind: "default" });
    problems.push(...(await unreadable(setting, given, values[setting], names)));
  }
  // Whatever cannot be read has been told.
  if (problems.length > 0) return { problems, warnings };
  const told = async (look: () => Promise<void>) => {
    problems.push(...(await problemsOf(look)));
  };
  const { tlsCert, tlsKey, tlsClientCa = null, masterKeyFile, tenantsFile } = values;
  if (tlsCert && tlsKey) {
    const warn = (_fields: object, message: string) => void warnings.push(message);
    const watchDates = createWatchDates({ clock: systemClock, wallClockMs, log: { warn } });
    await told(async () => watchDates(await readTlsFiles({ tlsCert, tlsKey, tlsClientCa })));
  }
  if (masterKeyFile) await told(async () => void (await readMasterKeys(masterKeyFile)));
  const { validatorLoopback, validatorPort } = values;
  // What the file may say depends on these.
  if (
    tenantsFile &&
    values.placements !== undefined &&
    validatorLoopback !== undefined &&
    validatorPort !== undefined
  ) {
    const terms = termsOf({ placements, validatorLoopback, validatorPort }, { hasMasterKey: Boolean(masterKeyFile) });
    await told(() => checkTenantsFile(tenantsFile, terms));
  }
  return { problems, warnings };
}

async function problemsOf(look: () => Promise<void>): Promise<readonly string[]> {
  try {
    await look();
    return [];
  } catch (error) {
    if (isOperatorError(error)) return [error.message];
    throw error;
  }
}

/**
 * The path is not repeated: it may be what belongs in the file.
 *
 * @param given the setting as it was called where it was given
 * @param placements those that {placement} stands for, where a path has that in it
 */
async function unreadable(
  setting: Setting,
  given: string,
  value: unknown,
  placements: readonly string[],
): Promise<readonly string[]> {
  const option = OPTIONS[setting] as Option<unknown>;
  if (option.kind.placeholder !== "FILE" || typeof value !== "string") return [];
  const paths = new Set(placements.map((name) => value.replaceAll("{placement}", name)));
  for (const path of paths) {
    try {
      await access(path, constants.R_OK);
      if ((await stat(path)).isDirectory()) return [`the file of ${given} is a directory`];
    } catch (error) {
      return [`the file of ${given} cannot be read: ${(error as NodeJS.ErrnoException).code}`];
    }
  }
  return [];
}
