import { type Config, OPTIONS, type Setting } from "../config.ts";
import { shareProblem } from "../guards/memory.ts";
import { databaseContradictions } from "./database-contradictions.ts";
import { formatAddress, isLoopback } from "./kinds.ts";
import { bothNames, type Command } from "./option.ts";
import { givenName, type Source } from "./source.ts";
import { workersOf } from "./worker-count.ts";

/**
 * What is wrong with settings of which each by itself is allowed. One that could not be read is undefined. What listens is
 * judged for commands that have all of it: to others only a part of what belongs together is known.
 */
export function contradictions(
  command: Command,
  values: Partial<Config>,
  sources: ReadonlyMap<Setting, Source>,
): string[] {
  const named: Named = (setting) => givenName(OPTIONS[setting], sources.get(setting) ?? { kind: "default" });
  const listens = OPTIONS.grpcAddress.commands.includes(command);
  const listening = listens
    ? [...openAddresses(values, named), ...unfinishedTls(values, named), ...unfinishedAuth(values, named)]
    : [];
  const database = databaseContradictions(values, named);
  return [
    ...listening,
    ...sharedMemory(command, values, named),
    ...database,
    ...placementNames(values, named),
    ...unfinishedCaller(command, values, named),
  ];
}

/** What a setting is called where it was given. */
type Named = (setting: Setting) => string;

function openAddresses({ auth, tlsCert, allowPlaintext, ...values }: Partial<Config>, named: Named): string[] {
  return (["grpcAddress", "httpAddress"] as const).flatMap((setting) => {
    const address = values[setting];
    if (address === undefined || isLoopback(address.host)) return [];
    const reachable = `${named(setting)}: ${formatAddress(address)} can be reached from other machines`;
    if (auth === null) {
      return [`${reachable}, and nobody would be asked who he is: set ${named("auth")}, or listen on loopback only`];
    }
    if (tlsCert !== null || allowPlaintext !== false) return [];
    return [
      `${reachable}, and credentials would be sent in clear text: set ${named("tlsCert")} or ${named("allowPlaintext")}`,
    ];
  });
}

/** How many workers `auto` has is for the machine to say on which they run. */
function sharedMemory(command: Command, { maxMemoryBytes, workers }: Partial<Config>, named: Named): string[] {
  if (!maxMemoryBytes || workers === undefined || (workers === 0 && command !== "serve")) return [];
  const problem = shareProblem(maxMemoryBytes, workersOf({ workers }));
  return problem === null ? [] : [`${named("maxMemoryBytes")} and ${named("workers")}: ${problem}`];
}

function unfinishedTls({ tlsCert, tlsKey, tlsClientCa }: Partial<Config>, named: Named): string[] {
  const needs = needing(named);
  const problems = [];
  if (tlsCert && tlsKey === null) problems.push(needs("tlsCert", "tlsKey"));
  if (tlsKey && tlsCert === null) problems.push(needs("tlsKey", "tlsCert"));
  if (tlsClientCa && tlsCert === null) problems.push(needs("tlsClientCa", "tlsCert"));
  return problems;
}

const MTLS = ["tlsClientCa", "certificateTenant"] as const;

function unfinishedAuth(values: Partial<Config>, named: Named): string[] {
  const needs = needing(named);
  const { auth } = values;
  const problems = [];
  if (auth?.includes("mtls")) {
    for (const setting of MTLS)
      if (values[setting] === null) problems.push(`${named("auth")} mtls needs ${named(setting)}`);
  } else if (auth !== undefined) {
    for (const setting of MTLS) if (values[setting]) problems.push(`${named(setting)} needs ${named("auth")} mtls`);
  }
  const jwt = ["jwtIssuer", "jwtAudience", "jwtJwksUrl"] as const;
  const [given] = jwt.filter((setting) => values[setting]);
  if (given === undefined || auth === undefined) return problems;
  if (!auth?.includes("jwt")) problems.push(`${named(given)} needs ${named("auth")} jwt`);
  for (const setting of jwt) if (values[setting] === null) problems.push(needs(given, setting));
  return problems;
}

function unfinishedCaller(
  command: Command,
  { clientCert, clientKey, httpAddress }: Partial<Config>,
  named: Named,
): string[] {
  const needs = needing(named);
  const problems = [];
  if (clientCert && clientKey === null) problems.push(needs("clientCert", "clientKey"));
  if (clientKey && clientCert === null) problems.push(needs("clientKey", "clientCert"));
  if (command === "health" && httpAddress?.port === 0) {
    problems.push(`${named("httpAddress")} must name the port that the server has: 0 is any free one`);
  }
  return problems;
}

const MAIN = "main";

function placementNames({ placements, placementListenUrls }: Partial<Config>, named: Named): string[] {
  const names = new Set<string>([MAIN]);
  const problems = [];
  for (const { name } of placements ?? []) {
    if (name === MAIN) problems.push(`${named("placements")}: "${MAIN}" is the cluster of ${named("databaseUrl")}`);
    else if (names.has(name)) problems.push(`${named("placements")} names "${name}" twice`);
    names.add(name);
  }
  for (const { name } of placementListenUrls ?? []) {
    if (name === MAIN || !names.has(name)) {
      problems.push(`${named("placementListenUrls")}: there is no placement "${name}" in ${named("placements")}`);
    }
  }
  return problems;
}

function needing(named: Named): (given: Setting, missing: Setting) => string {
  return (given, missing) => `${named(given)} needs ${bothNames(OPTIONS[missing])}`;
}
