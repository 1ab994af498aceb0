import type { FieldViolation } from "../../domain/fault.ts";
import type { Declaration } from "../../operations/admin/tenants/declaration.ts";
import { readRegistration } from "../../rpc/wire/registration-json.ts";
import { NO_HOST, normaliseHost } from "../../tenants/hosts.ts";
import { normalisePath } from "../../tenants/paths.ts";
import { readYamlFile } from "../yaml-file.ts";

export interface FileEntry {
  /** Its place in the file: `tenants[3]`. */
  readonly place: string;
  readonly declaration: Declaration;
}

export interface TenantsFile {
  /** Those that can be read. */
  readonly entries: readonly FileEntry[];
  /** What is wrong with the file or with others, each a sentence that names its place. */
  readonly problems: readonly string[];
}

const ENTRIES_MAX = 10_000;

/** Everything that can be said of the file by itself. */
export async function readTenantsFile(path: string): Promise<TenantsFile> {
  const reading = await readYamlFile(path);
  if (reading.kind === "problems") return { entries: [], problems: reading.problems };
  const list = listOf(reading.value);
  if (list.kind === "problems") return { entries: [], problems: list.problems };
  const entries: FileEntry[] = [];
  const problems: string[] = [];
  for (const [index, item] of list.items.entries()) {
    const place = `tenants[${index}]`;
    const registration = readRegistration(item);
    if (registration.kind === "registration") entries.push({ place, declaration: registration.declaration });
    else problems.push(...registration.problems.map((problem) => sentence(place, problem)));
  }
  problems.push(...namedTwice(entries));
  return { entries, problems };
}

/** `tenants[3].hosts[0].host must not be empty`. */
export function sentence(place: string, { field, allowed }: FieldViolation): string {
  return `${field === "" ? place : `${place}.${field}`} ${allowed}`;
}

type List =
  | { readonly kind: "items"; readonly items: readonly unknown[] }
  | { readonly kind: "problems"; readonly problems: readonly string[] };

function listOf(value: unknown): List {
  const wanted = "it must hold a list under the name tenants";
  if (typeof value !== "object" || value === null || !("tenants" in value))
    return { kind: "problems", problems: [wanted] };
  const unknown = Object.keys(value).filter((name) => name !== "tenants");
  if (unknown.length > 0)
    return { kind: "problems", problems: unknown.map((name) => `${name} is no field of the file`) };
  const items: unknown = value.tenants ?? [];
  if (!Array.isArray(items)) return { kind: "problems", problems: [wanted] };
  if (items.length > ENTRIES_MAX) return { kind: "problems", problems: [`it holds more than ${ENTRIES_MAX} tenants`] };
  return { kind: "items", items };
}

/** What belongs to one tenant at most, and is claimed by two of the file. One that says it twice is told by `declare`. */
function namedTwice(entries: readonly FileEntry[]): readonly string[] {
  const owners = new Map<string, FileEntry>();
  const problems: string[] = [];
  const own = (entry: FileEntry, text: string, field: string) => {
    const first = owners.get(text);
    if (first === undefined) owners.set(text, entry);
    else if (first !== entry)
      problems.push(`${entry.place}.${field} must not be there twice: ${first.place} has the same`);
  };
  for (const entry of entries) {
    const { id, hosts, issuers } = entry.declaration;
    own(entry, `id ${id}`, "tenantId");
    for (const [index, { host, path }] of hosts.entries()) {
      const normal = normaliseHost(host);
      if (normal !== NO_HOST) own(entry, `host ${normal} ${normalisePath(path)}`, `hosts[${index}]`);
    }
    for (const [index, { issuer, subject }] of issuers.entries()) {
      own(entry, `issuer ${JSON.stringify([issuer, subject])}`, `issuers[${index}]`);
    }
  }
  return problems;
}
