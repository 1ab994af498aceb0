import { type Config, OPTIONS, SETTINGS, type Setting } from "../config.ts";
import type { ConfigFile } from "./file.ts";
import { nearest } from "./hint.ts";
import { type Environment, environmentName, type Option } from "./option.ts";
import type { Sources } from "./read.ts";

/** What is allowed and yet most likely a mistake. */
export function configWarnings(
  { values, sources, file }: { readonly values: Partial<Config>; readonly sources: Sources; readonly file: ConfigFile },
  env: Environment,
): readonly string[] {
  return [...openSecrets(values, sources, file), ...misspelt(env)];
}

/**
 * Variables that are nearly a setting's. Others that begin with HOLDFAST_ are somebody else's business: Kubernetes makes
 * some for every service whose name begins so.
 */
export function misspelt(env: Environment): readonly string[] {
  return unknownVariables(env).flatMap((name) => {
    const near = nearestVariable(name);
    return near === undefined ? [] : [`the variable ${name} is no setting and is not read: did you mean ${near}?`];
  });
}

const PREFIX = "HOLDFAST_";

const KNOWN = SETTINGS.map((setting) => environmentName(OPTIONS[setting].name));

/** HOLDFAST_SERVICE_PORT_GRPC, HOLDFAST_PORT_7400_TCP_ADDR and their like. */
const OF_KUBERNETES = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

function unknownVariables(env: Environment): readonly string[] {
  return Object.keys(env).filter((name) => {
    return name.startsWith(PREFIX) && !KNOWN.includes(name) && !OF_KUBERNETES.test(name);
  });
}

/** Of a short name, a third is another name. */
function nearestVariable(name: string): string | undefined {
  const near = nearest(name, KNOWN);
  if (near === undefined) return undefined;
  const changesMax = Math.floor((near.length - PREFIX.length) / 3);
  return nearest(name, [near], changesMax);
}

function openSecrets(values: Partial<Config>, sources: Sources, { isOpen }: ConfigFile): readonly string[] {
  if (!isOpen) return [];
  for (const setting of SETTINGS) {
    const source = sources.get(setting);
    if (source?.kind !== "file" || !holdsSecret(setting, values)) continue;
    return [
      `every user of this machine may read ${source.path}, which holds a secret on line ${source.line}: ` +
        "take that from them with chmod o-r",
    ];
  }
  return [];
}

function holdsSecret(setting: Setting, values: Partial<Config>): boolean {
  const { kind } = OPTIONS[setting] as Option<unknown>;
  const value: unknown = values[setting];
  return value !== null && value !== undefined && kind.holdsSecret?.(value) === true;
}
