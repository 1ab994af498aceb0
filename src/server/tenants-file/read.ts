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
  const { items, problems } = listOf(reading.value);
  const entries: FileEntry[] = [];
  const named: Named[] = [];
  for (const [index, item] of items.entries()) {
    const place = `tenants[${index}]`;
    const registration = readRegistration(item);
    if (registration.kind === "registration") {
      entries.push({ place, declaration: registration.declaration });
      named.push({ place, ...registration.declaration });
    } else {
      problems.push(...registration.problems.map((problem) => sentence(place, problem)));
      named.push({ place, id: idOf(item), hosts: [], issuers: [] });
    }
  }
  problems.push(...namedTwice(named));
  return { entries, problems };
}

/** `tenants[3].hosts[0].host must not be empty`. */
export function sentence(place: string, { field, allowed }: FieldViolation): string {
  return `${field === "" ? place : `${place}.${field}`} ${allowed}`;
}

function listOf(value: unknown): { readonly items: readonly unknown[]; readonly problems: string[] } {
  const wanted = "it must hold a list under the name tenants";
  if (typeof value !== "object" || value === null) return { items: [], problems: [wanted] };
  const unknown = Object.keys(value).filter((name) => name !== "tenants");
  const problems = unknown.map((name) => `${name} is no field of the file`);
  const items: unknown = "tenants" in value ? (value.tenants ?? []) : null;
  if (!Array.isArray(items)) return { items: [], problems: [wanted, ...problems] };
  if (items.length <= ENTRIES_MAX) return { items, problems };
  return { items: [], problems: [...problems, `it holds more than ${ENTRIES_MAX} tenants`] };
}

/** Of an entry that cannot be read: its id may be somebody else's all the same. */
function idOf(item: unknown): string | null {
  const { tenantId, tenant_id } = Object(item) as { readonly tenantId?: unknown; readonly tenant_id?: unknown };
  const id = tenantId ?? tenant_id;
  return typeof id === "string" ? id : null;
}

interface Named extends Pick<Declaration, "hosts" | "issuers"> {
  readonly place: string;
  /** Null: it has none. */
  readonly id: string | null;
}

/** What belongs to one tenant at most, and is claimed by two of the file. One that says it twice is told by `declare`. */
function namedTwice(entries: readonly Named[]): readonly string[] {
  const owners = new Map<string, Named>();
  const problems: string[] = [];
  const own = (entry: Named, text: string, field: string) => {
    const first = owners.get(text);
    if (first === undefined) owners.set(text, entry);
    else if (first !== entry)
      problems.push(`${entry.place}.${field} must not be there twice: ${first.place} has the same`);
  };
  for (const entry of entries) {
    const { id, hosts, issuers } = entry;
    if (id !== null) own(entry, `id ${id}`, "tenantId");
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
