import type { JsonObject } from "../../rpc/wire/registration-json.ts";
import type { OwnFlag } from "../arguments.ts";
import { COUNT, type Measure, RATE, TIME } from "./measures.ts";

/** A flag of one subcommand. */
export interface Flag extends OwnFlag {
  readonly doc: string;
}

/** One that says a part of a registration. */
export interface RegistrationFlag extends Flag {
  /** What is allowed, to go after "must be"; of those that allow any text, nothing. */
  readonly allowed?: string;
  /** Only where there is something already: what it takes away, a new tenant does not have. */
  readonly clears?: true;
  /** Puts what was given into a registration in JSON. Undefined when it is not allowed. */
  set(registration: JsonObject, values: readonly string[]): JsonObject | undefined;
}

const HEALTHS = ["pending", "healthy", "unverified", "disabled"];

export const REGISTRATION_FLAGS: readonly RegistrationFlag[] = [
  text("display-name", "displayName", "The tenant's name, for people."),
  {
    name: "host",
    placeholder: "HOST[/PATH]",
    doc: "A host under which the tenant is found, with a path prefix if it shares the host.",
    repeatable: true,
    set: (registration, values) => ({ ...registration, hosts: values.map(hostPath) }),
  },
  { ...clearing("no-host", "hosts"), doc: "No hosts any more." },
  {
    name: "issuer",
    placeholder: '"ISSUER [subject=TEXT] [audience=TEXT] [jwks=URL]"',
    doc: "An issuer whose tokens are the tenant's.",
    allowed: "an issuer, and after it once each if at all: subject=TEXT, audience=TEXT, jwks=URL, with spaces between",
    repeatable: true,
    set(registration, values) {
      const issuers = values.map(trustedIssuer);
      return issuers.includes(undefined) ? undefined : { ...registration, issuers };
    },
  },
  { ...clearing("no-issuer", "issuers"), doc: "No issuers any more." },
  text("agent-url", "agentUrl", "Where the tenant's own service is, for people."),
  validator(
    "validator-http",
    "httpUrl",
    "An https address that must answer GET with 2xx for the tenant to be healthy.",
  ),
  validator("validator-jwks", "jwksUrl", "An https address that must serve a usable JSON Web Key Set."),
  { ...clearing("no-validator", "validator"), doc: "No validator any more: the tenant is healthy at once." },
  {
    name: "build",
    placeholder: "lazy|eager",
    doc: "When a server builds what the tenant needs: with its first call, or when the server starts.",
    allowed: "lazy or eager",
    set: (registration, [value = ""]) => word(registration, "build", "TENANT_BUILD_", ["lazy", "eager"], value),
  },
  limit(
    "new-records-per-second",
    "newRecordsPerSecond",
    "First claims a second, for each server; 0 is no limit.",
    RATE,
  ),
  limit("new-records-burst", "newRecordsBurst", "First claims at once after a pause."),
  limit("live-records", "liveRecords", "Records that are not forgotten."),
  limit("stored-bytes", "storedBytes", "Bytes of stored results."),
  limit("leases", "leases", "Leases held at once."),
  limit("waiters", "waiters", "Waiting calls at once, for each server."),
  {
    name: "policy-on-lease-expiry",
    placeholder: "reacquire|hold",
    doc: "What happens when a holder's lease runs out, if its claim does not say.",
    allowed: "reacquire or hold",
    set(registration, [value = ""]) {
      const policy = word(
        inner(registration, "defaultPolicy"),
        "onLeaseExpiry",
        "LEASE_EXPIRY_POLICY_",
        ON_EXPIRY,
        value,
      );
      return policy && { ...registration, defaultPolicy: policy };
    },
  },
  policy("max-attempts", "maxAttempts", "How often work is begun, if its claim does not say; 0 is no limit.", COUNT),
  policy("max-execution", "maxExecution", "No attempt lasts longer; such as 30s, 15m, 24h or 7d.", TIME),
  policy("result-retention", "resultRetention", "How long a result is replayed.", TIME),
  policy("tombstone-retention", "tombstoneRetention", "How long after that a second run is refused.", TIME),
  text("placement", "placement", "Which of the server's Postgres clusters holds the tenant's records. Fixed."),
  {
    name: "serve-states",
    placeholder: "LIST",
    allowed: `one or several of ${HEALTHS.join(", ")}, with commas between`,
    doc: `The healths in which the tenant acquires, some of ${HEALTHS.join(", ")}, with commas between.`,
    set(registration, [value = ""]) {
      const states = value.split(",");
      if (!states.every((state) => HEALTHS.includes(state))) return undefined;
      return { ...registration, serveStates: states.map((state) => `TENANT_HEALTH_${state.toUpperCase()}`) };
    },
  },
  { ...switching("encrypted", true), doc: "Store results, checkpoints and errors encrypted. Fixed." },
  { ...switching("no-encrypted", false), doc: "Do not, although the server could. Fixed." },
];

const ON_EXPIRY = ["reacquire", "hold"];

function text(name: string, field: string, doc: string): RegistrationFlag {
  return { name, placeholder: "TEXT", doc, set: (registration, [value = ""]) => ({ ...registration, [field]: value }) };
}

function clearing(name: string, field: string): Omit<RegistrationFlag, "doc"> {
  return { name, placeholder: "", clears: true, set: (registration) => ({ ...registration, [field]: null }) };
}

function switching(name: string, value: boolean): Omit<RegistrationFlag, "doc"> {
  return { name, placeholder: "", set: (registration) => ({ ...registration, encrypted: value }) };
}

function validator(name: string, kind: string, doc: string): RegistrationFlag {
  const set = (registration: JsonObject, [value = ""]: readonly string[]) => ({
    ...registration,
    validator: { [kind]: value },
  });
  return { name, placeholder: "URL", doc, set };
}

function limit(name: string, field: string, doc: string, measure = COUNT): RegistrationFlag {
  return within(`limit-${name}`, "limits", field, doc, measure);
}

function policy(name: string, field: string, doc: string, measure: Measure): RegistrationFlag {
  return within(`policy-${name}`, "defaultPolicy", field, doc, measure);
}

function within(name: string, message: string, field: string, doc: string, measure: Measure): RegistrationFlag {
  const { placeholder, allowed, parse } = measure;
  return {
    ...{ name, placeholder, allowed, doc },
    set(registration, [given = ""]) {
      const value = parse(given);
      return value === undefined
        ? undefined
        : { ...registration, [message]: { ...inner(registration, message), [field]: value } };
    },
  };
}

function inner(registration: JsonObject, name: string): JsonObject {
  const value = registration[name];
  return typeof value === "object" && value !== null ? (value as JsonObject) : {};
}

function word(into: JsonObject, field: string, prefix: string, known: readonly string[], given: string) {
  return known.includes(given) ? { ...into, [field]: prefix + given.toUpperCase() } : undefined;
}

/** A URL is taken too: its scheme says nothing here. */
function hostPath(given: string): JsonObject {
  const place = given.replace(/^[a-z][a-z0-9+.-]*:\/\//i, "");
  const slash = place.indexOf("/");
  return slash === -1 ? { host: place } : { host: place.slice(0, slash), path: place.slice(slash) };
}

const ISSUER_FIELDS: Readonly<Record<string, string>> = { subject: "subject", audience: "audience", jwks: "jwksUrl" };

function trustedIssuer(given: string): JsonObject | undefined {
  const [issuer, ...more] = given.trim().split(/\s+/);
  const pairs = more.map((pair) => [ISSUER_FIELDS[pair.split("=", 1)[0] ?? ""], pair.slice(pair.indexOf("=") + 1)]);
  const fields = Object.fromEntries(pairs);
  const understood = more.every((pair) => pair.includes("=")) && pairs.every(([field]) => field !== undefined);
  return understood && Object.keys(fields).length === more.length ? { issuer, ...fields } : undefined;
}
