import { type JsonObject, type RegistrationReading, readRegistration } from "../../rpc/wire/registration-json.ts";
import { readYamlFile } from "../../server/yaml-file.ts";
import { REGISTRATION_FLAGS } from "./flags.ts";

export type Registration = Extract<RegistrationReading, { readonly kind: "registration" }>["message"];

export type Given =
  | { readonly kind: "registration"; readonly registration: Registration }
  /** Sentences, for people. */
  | { readonly kind: "problems"; readonly problems: readonly string[] };

type Flags = ReadonlyMap<string, readonly string[]>;

/** What the flags say of a registration; undefined: nothing. */
export function changesOf(flags: Flags): ((registration: JsonObject) => JsonObject | readonly string[]) | undefined {
  const given = REGISTRATION_FLAGS.filter(({ name }) => flags.has(name));
  if (given.length === 0) return undefined;
  return (registration) => {
    let changed = registration;
    const problems: string[] = [];
    for (const { name, placeholder, allowed = placeholder, set } of given) {
      const next = set(changed, flags.get(name) ?? []);
      if (next === undefined) problems.push(`--${name} must be ${allowed}`);
      else changed = next;
    }
    return problems.length > 0 ? problems : changed;
  };
}

/** Flags that say two different things of one part. */
const EXCLUSIVE = [
  ["validator-http", "validator-jwks", "no-validator"],
  ["host", "no-host"],
  ["issuer", "no-issuer"],
  ["encrypted", "no-encrypted"],
];

export function contradictionsOf(flags: Flags): readonly string[] {
  return EXCLUSIVE.flatMap((names) => {
    const given = names.filter((name) => flags.has(name)).map((name) => `--${name}`);
    return given.length > 1 ? [`${given.join(" and ")} contradict each other`] : [];
  });
}

/** One tenant's registration in JSON, with the flags' changes, checked as far as that can be done without a server. */
export function withChanges(registration: JsonObject, flags: Flags): Given {
  const changed = changesOf(flags)?.(registration) ?? registration;
  if (isProblems(changed)) return { kind: "problems", problems: changed };
  return checked(changed, "");
}

/** A file with one registration; `id` must be the one in it, if it has one. */
export async function readRegistrationFile(path: string, id: string | undefined): Promise<Given> {
  const reading = await readYamlFile(path);
  if (reading.kind === "problems")
    return { kind: "problems", problems: reading.problems.map((each) => `${path}: ${each}`) };
  const { value } = reading;
  if (id === undefined || typeof value !== "object" || value === null || Array.isArray(value))
    return checked(value, path);
  const own: unknown = "tenantId" in value ? value.tenantId : "tenant_id" in value ? value.tenant_id : undefined;
  if (own === undefined) return checked({ ...value, tenantId: id }, path);
  return own === id
    ? checked(value, path)
    : { kind: "problems", problems: [`${path} is about another tenant than ${id}`] };
}

function checked(json: unknown, path: string): Given {
  const reading = readRegistration(json);
  if (reading.kind === "registration") return { kind: "registration", registration: reading.message };
  const where = path === "" ? "" : `${path}: `;
  return {
    kind: "problems",
    problems: reading.problems.map(({ field, allowed }) => `${where}${field || "it"} ${allowed}`),
  };
}

function isProblems(value: JsonObject | readonly string[]): value is readonly string[] {
  return Array.isArray(value);
}
