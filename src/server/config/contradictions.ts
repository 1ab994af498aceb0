import { type Config, OPTIONS, type Setting } from "../config.ts";
import { formatAddress, isLoopback } from "./kinds.ts";
import { bothNames, type Command } from "./option.ts";

/**
 * What is wrong with settings of which each by itself is allowed. One that could not be read is undefined. What listens is
 * judged for commands that have all of it: to others only a part of what belongs together is known.
 */
export function contradictions(command: Command, values: Partial<Config>): string[] {
  const listens = OPTIONS.grpcAddress.commands.includes(command);
  const listening = listens ? [...openAddresses(values), ...unfinishedTls(values), ...unfinishedAuth(values)] : [];
  return [...listening, ...placementNames(values), ...unfinishedCaller(command, values)];
}

function openAddresses({ auth, tlsCert, allowPlaintext, ...values }: Partial<Config>): string[] {
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

function unfinishedTls({ tlsCert, tlsKey, tlsClientCa }: Partial<Config>): string[] {
  const problems = [];
  if (tlsCert && tlsKey === null) problems.push(needs("tlsCert", "tlsKey"));
  if (tlsKey && tlsCert === null) problems.push(needs("tlsKey", "tlsCert"));
  if (tlsClientCa && tlsCert === null) problems.push(needs("tlsClientCa", "tlsCert"));
  return problems;
}

const MTLS = ["tlsClientCa", "certificateTenant"] as const;

function unfinishedAuth(values: Partial<Config>): string[] {
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

function unfinishedCaller(command: Command, { clientCert, clientKey, httpAddress }: Partial<Config>): string[] {
  const problems = [];
  if (clientCert && clientKey === null) problems.push(needs("clientCert", "clientKey"));
  if (clientKey && clientCert === null) problems.push(needs("clientKey", "clientCert"));
  if (command === "health" && httpAddress?.port === 0) {
    problems.push(`${named("httpAddress")} must name the port that the server has: 0 is any free one`);
  }
  return problems;
}

const MAIN = "main";

function placementNames({ placements, placementListenUrls }: Partial<Config>): string[] {
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

function needs(given: Setting, missing: Setting): string {
  return `${named(given)} needs ${named(missing)}`;
}

function named(setting: Setting): string {
  return bothNames(OPTIONS[setting]);
}
