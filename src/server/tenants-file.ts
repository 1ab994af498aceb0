import { Fault, type FaultCode } from "../domain/fault.ts";
import { type DeclarationTerms, declare, sameRegistration } from "../operations/admin/tenants/declaration.ts";
import { healthOf, type ValidateTenant } from "../operations/admin/tenants/update.ts";
import { inJson } from "../rpc/wire/registration-json.ts";
import type { Log } from "../telemetry/log.ts";
import type { Change, TenantTable } from "../tenants/table.ts";
import { OperatorError } from "./operator-error.ts";
import { type FileEntry, readTenantsFile, sentence } from "./tenants-file/read.ts";

export interface TenantsFileDeps {
  readonly table: Pick<TenantTable, "read" | "register" | "update">;
  readonly terms: DeclarationTerms;
  /** Asked for tenants whose validator the file changes. A tenant that is new is validated when it is first needed. */
  readonly validate: ValidateTenant;
  readonly log: Log;
  /** Aborted: nobody wants a server any more. */
  readonly signal?: AbortSignal;
}

/** How many tenants of the file met with what. */
export type Applied = Readonly<Record<Outcome, number>>;

type Outcome = "registered" | "updated" | "unchanged" | "left";

const CHANGE: Change = { actor: "server", reason: "tenants file" };

/** Tenants that are read or written at once. */
const AT_ONCE = 16;

/** How often a tenant is looked at anew because another server, or an operator, was faster. */
const TRIES_MAX = 10;

const PROBLEMS_MAX = 100;

/**
 * Throws `OperatorError` with everything that is wrong with the file, as far as that can be told before the database is
 * there.
 */
export async function checkTenantsFile(path: string, terms: DeclarationTerms): Promise<void> {
  const { entries, problems } = await readTenantsFile(path);
  const refused = entries.flatMap(({ place, declaration }) => {
    const declared = declare(declaration, terms, null);
    return declared.kind === "registration"
      ? []
      : declared.violations.map((violation) => sentence(place, inJson(violation)));
  });
  if (problems.length + refused.length > 0) throw unusable(path, [...problems, ...refused]);
}

/**
 * Registers the tenants of the file that are new, updates those that differ, and leaves all others alone. Any number of
 * servers may apply the same file at once. A tenant whose new validator does not agree stays as it was, and the log says
 * so: somebody else's service keeps no server from starting.
 *
 * Throws `OperatorError` with everything that is wrong, before anything is written; or, where a host or an issuer
 * belongs to a tenant that is not in the file, after the others were.
 */
export async function applyTenantsFile(path: string, deps: TenantsFileDeps): Promise<Applied> {
  const { entries, problems } = await readTenantsFile(path);
  const differing: FileEntry[] = [];
  const refused: string[] = [];
  await forEach(entries, deps, async (entry) => {
    const look = await compare(entry, deps);
    if (look.kind === "problems") refused.push(...look.problems);
    else if (look.kind !== "same") differing.push(entry);
  });
  if (problems.length > 0 || refused.length > 0) throw unusable(path, [...problems, ...refused]);
  const counts = { registered: 0, updated: 0, unchanged: entries.length - differing.length, left: 0 };
  await writeAll(path, differing, deps, (outcome) => {
    counts[outcome]++;
  });
  deps.log.info({ file: path, ...counts }, "applied the tenants file");
  return counts;
}

/** One may have to give up the host that another one is to have, so what is taken is tried again after the others. */
async function writeAll(
  path: string,
  entries: readonly FileEntry[],
  deps: TenantsFileDeps,
  count: (outcome: Outcome) => void,
): Promise<void> {
  let waiting = entries;
  while (waiting.length > 0) {
    const taken: { readonly entry: FileEntry; readonly problem: string }[] = [];
    await forEach(waiting, deps, async (entry) => {
      try {
        count(await write(path, entry, deps));
      } catch (error) {
        if (!isFault(error, "HOST_TAKEN", "ISSUER_TAKEN")) throw error;
        taken.push({ entry, problem: `${entry.place}: ${error.message}` });
      }
    });
    if (taken.length === waiting.length)
      throw unusable(
        path,
        taken.map(({ problem }) => problem),
      );
    waiting = taken.map(({ entry }) => entry);
  }
}

async function write(path: string, entry: FileEntry, deps: TenantsFileDeps): Promise<Outcome> {
  const { id } = entry.declaration;
  for (let tries = 1; ; tries++) {
    try {
      const outcome = await writeOnce(path, entry, deps);
      if (outcome === "registered") deps.log.info({ tenant: id }, "registered a tenant");
      if (outcome === "updated") deps.log.info({ tenant: id }, "updated a tenant");
      return outcome;
    } catch (error) {
      if (isFault(error, "VALIDATION_REFUSED", "VALIDATION_UNCERTAIN")) {
        deps.log.warn({ tenant: id, reason: error.message }, "left a tenant as it was");
        return "left";
      }
      if (!isFault(error, "TENANT_EXISTS", "TENANT_CHANGED") || tries === TRIES_MAX) throw error;
    }
  }
}

async function writeOnce(path: string, entry: FileEntry, deps: TenantsFileDeps): Promise<Outcome> {
  const { table, validate, signal = NEVER } = deps;
  const look = await compare(entry, deps);
  switch (look.kind) {
    case "problems":
      throw unusable(path, look.problems);
    case "same":
      return "unchanged";
    case "new": {
      const { registration } = look;
      await table.register(registration, registration.validator.kind === "none" ? "healthy" : "pending", CHANGE);
      return "registered";
    }
    case "differs": {
      const { registration, stored } = look;
      const health = await healthOf(registration, stored, (candidate) => validate(candidate, signal));
      const updated = await table.update(registration, health, stored.generation, CHANGE);
      // Unregistered meanwhile: look again.
      if (updated === null) throw new Fault("TENANT_CHANGED", "the tenant is gone");
      return "updated";
    }
  }
}

const NEVER = new AbortController().signal;

async function compare({ place, declaration }: FileEntry, { table, terms }: TenantsFileDeps) {
  const stored = await table.read(declaration.id, Number.POSITIVE_INFINITY);
  const declared = declare(declaration, terms, stored?.registration ?? null);
  if (declared.kind === "violations") {
    return {
      kind: "problems",
      problems: declared.violations.map((violation) => sentence(place, inJson(violation))),
    } as const;
  }
  const { registration } = declared;
  if (stored === null) return { kind: "new", registration } as const;
  if (sameRegistration(registration, stored.registration)) return { kind: "same" } as const;
  return { kind: "differs", registration, stored } as const;
}

function unusable(path: string, problems: readonly string[]): OperatorError {
  const told = problems.slice(0, PROBLEMS_MAX).map((problem) => `\n  ${problem}`);
  const more = problems.length > PROBLEMS_MAX ? `\n  and ${problems.length - PROBLEMS_MAX} more` : "";
  return new OperatorError(`the tenants file ${path} (--tenants-file) cannot be used:${told.join("")}${more}`);
}

/** The first that fails ends the others before their next one. */
async function forEach<Item>(
  items: readonly Item[],
  { signal }: TenantsFileDeps,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  let failed = false;
  const worker = async () => {
    for (const item of rest) {
      if (failed) return;
      signal?.throwIfAborted();
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function isFault(error: unknown, ...codes: readonly FaultCode[]): error is Fault {
  return error instanceof Fault && codes.includes(error.code);
}
