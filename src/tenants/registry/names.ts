import { Fault } from "../../domain/fault.ts";
import type { TenantRegistration } from "../../domain/registration.ts";

/** No longer prefix can be registered. */
const PATH_LENGTH_MAX = 512;

/**
 * Which tenant a host and path, or an issuer and subject, belong to. Two answers are kept for each: who owns the name,
 * by the newest registrations, and who serves under it, which follows once the newest is built and validated. A name
 * that its tenant has given up serves on until then, unless its new owner is ready first.
 */
export class Names {
  readonly #owners = new Map<string, string>();
  readonly #serving = new Map<string, string>();

  /** The newest registration replaces the one before. Throws `Fault` HOST_TAKEN, ISSUER_TAKEN; then nothing changed. */
  own(before: TenantRegistration | null, after: TenantRegistration): void {
    for (const { host, path } of after.hosts) {
      if (this.#isTaken(hostName(host, path), after.id)) {
        throw new Fault("HOST_TAKEN", `the host ${host}${path} belongs to another tenant`);
      }
    }
    for (const { issuer, subject } of after.issuers) {
      if (this.#isTaken(issuerName(issuer, subject), after.id)) {
        throw new Fault("ISSUER_TAKEN", `the issuer ${issuer} with this subject belongs to another tenant`);
      }
    }
    replace(this.#owners, before, after);
  }

  /** From now on the tenant is found under the names of `after`, and no longer under those of `before`. */
  serve(before: TenantRegistration | null, after: TenantRegistration): void {
    replace(this.#serving, before, after);
  }

  /** A name that others had meanwhile, and that the newest registration has again, is served as it was. */
  regain(serving: TenantRegistration, newest: TenantRegistration): void {
    const served = new Set(namesOf(serving));
    for (const name of namesOf(newest)) if (served.has(name)) this.#serving.set(name, newest.id);
  }

  /** What belongs to others stays theirs. */
  forget(registration: TenantRegistration): void {
    replace(this.#owners, registration, null);
    replace(this.#serving, registration, null);
  }

  /** The longest prefix of the path that ends on a boundary wins. */
  findHost(host: string, path: string): string | null {
    let prefix = path.length > PATH_LENGTH_MAX ? parentOf(path, PATH_LENGTH_MAX) : path;
    while (prefix !== "") {
      const id = this.#serving.get(hostName(host, prefix));
      if (id !== undefined) return id;
      prefix = parentOf(prefix, prefix.length);
    }
    return this.#serving.get(hostName(host, "")) ?? null;
  }

  /** A registration that names the subject wins over one for all subjects. */
  findIssuer(issuer: string, subject: string): string | null {
    return this.#serving.get(issuerName(issuer, subject)) ?? this.#serving.get(issuerName(issuer, "")) ?? null;
  }

  get size(): number {
    return this.#owners.size + this.#serving.size;
  }

  #isTaken(name: string, id: string): boolean {
    return (this.#owners.get(name) ?? id) !== id;
  }
}

function replace(names: Map<string, string>, before: TenantRegistration | null, after: TenantRegistration | null) {
  if (before !== null) for (const name of namesOf(before)) if (names.get(name) === before.id) names.delete(name);
  if (after !== null) for (const name of namesOf(after)) names.set(name, after.id);
}

function* namesOf({ hosts, issuers }: TenantRegistration): Generator<string> {
  for (const { host, path } of hosts) yield hostName(host, path);
  for (const { issuer, subject } of issuers) yield issuerName(issuer, subject);
}

/** What stands before the last slash up to this one. */
function parentOf(path: string, last: number): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/", last)));
}

/** The length makes both injective, whatever is looked up. */
function hostName(host: string, path: string): string {
  return `host:${host.length}:${host}${path}`;
}

function issuerName(issuer: string, subject: string): string {
  return `issuer:${issuer.length}:${issuer}${subject}`;
}
