import type { AdminClient } from "../../client/admin.ts";
import { registrationToJson } from "../../rpc/wire/registration-json.ts";
import type { Config } from "../../server/config.ts";
import type { CommandIo } from "../commands.ts";
import { jsonText, printable } from "../table.ts";
import { type Given, readRegistrationFile, withChanges } from "./registration.ts";
import { present, showTenant, showTenants, showWhole, type TenantMessage, wordsOf } from "./show.ts";

/** What a subcommand was given. */
export interface Order {
  readonly config: Config;
  /** Empty for those that take none. */
  readonly id: string;
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly io: CommandIo;
}

/** Resolves to the exit code; what a call throws is explained by whoever made the client. */
export type Action = (admin: AdminClient, order: Order) => Promise<number>;

/** A validation takes 3 s at most, and the answer to these calls comes after it. */
const VALIDATION_MS = 4000;

const PAGE_SIZE = 1000;

export const list: Action = async (admin, { config, io }) => {
  const tenants: TenantMessage[] = [];
  let pageToken = "";
  do {
    const page = await admin.listTenants({ pageSize: PAGE_SIZE, pageToken });
    tenants.push(...page.tenants);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  showTenants(tenants, config.output, io);
  return 0;
};

export const get: Action = async (admin, { config, id, io }) => {
  const { tenant } = await admin.getTenant({ tenantId: id });
  showWhole(tenant, config.output, io);
  return 0;
};

export const register: Action = async (admin, order) => {
  const { config, id, flags, io } = order;
  const [path] = flags.get("file") ?? [];
  const given =
    path === undefined ? withChanges({ tenantId: id }, flags) : await readRegistrationFile(path, id || undefined);
  if (given.kind === "problems") return refuse(given, io);
  const { registration } = given;
  const awaitFirstValidation = flags.has("await-first-validation");
  const { tenant } = await admin.registerTenant(
    { registration, awaitFirstValidation, reason: reasonOf(order) },
    slow(config),
  );
  showTenant(tenant, config.output, io);
  return 0;
};

/** Flags change the registration as it was read, and nothing is written if it has changed since. */
export const update: Action = async (admin, order) => {
  const { config, id, flags, io } = order;
  const { tenant: before } = await admin.getTenant({ tenantId: id });
  if (before?.registration === undefined) throw new Error("the server answered without a registration");
  const [path] = flags.get("file") ?? [];
  const given =
    path === undefined
      ? withChanges(registrationToJson(before.registration), flags)
      : await readRegistrationFile(path, id);
  if (given.kind === "problems") return refuse(given, io);
  const { registration } = given;
  const expectedGeneration = before.generation;
  const { tenant } = await admin.updateTenant(
    { registration, expectedGeneration, reason: reasonOf(order) },
    slow(config),
  );
  showTenant(tenant, config.output, io);
  return 0;
};

export const unregister: Action = async (admin, order) => {
  const { config, id, io } = order;
  await admin.unregisterTenant({ tenantId: id, reason: reasonOf(order) });
  if (config.output === "json") io.out(jsonText({}));
  else io.out(`Unregistered ${id}. Its records stay, and are there again when it is registered again.\n`);
  return 0;
};

/** Shows what there is in any case; a script that asks whether all is well now reads the exit code. */
export const recheck: Action = async (admin, { config, id, io }) => {
  const { tenant } = await admin.recheckTenant({ tenantId: id }, slow(config));
  showTenant(tenant, config.output, io);
  const { health, runtime, reason } = wordsOf(present(tenant));
  if (health === "healthy" && runtime !== "failed") return 0;
  const what = runtime === "failed" ? "could not be built" : `is ${health}`;
  const why = reason === "" ? "the server gives no reason" : printable(reason);
  io.error(`holdfast: after the recheck the tenant ${id} ${what}: ${why}\n`);
  return 1;
};

export const drain: Action = (admin, order) => setDraining(admin, order, false);

export const resume: Action = (admin, order) => setDraining(admin, order, true);

async function setDraining(admin: AdminClient, order: Order, resumed: boolean): Promise<number> {
  const { config, id, io } = order;
  const { tenant } = await admin.drainTenant({ tenantId: id, resume: resumed, reason: reasonOf(order) });
  showTenant(tenant, config.output, io);
  return 0;
}

function slow({ timeoutMs }: Config) {
  return { timeoutMs: timeoutMs + VALIDATION_MS };
}

function reasonOf({ flags }: Order): string {
  return flags.get("reason")?.[0] ?? "";
}

function refuse({ problems }: Extract<Given, { readonly kind: "problems" }>, io: CommandIo): number {
  io.error(problems.map((problem) => `holdfast: ${problem}\n`).join(""));
  return 2;
}
