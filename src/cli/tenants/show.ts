import { type JsonObject, tenantToJson } from "../../rpc/wire/registration-json.ts";
import type { CommandIo } from "../commands.ts";
import { jsonText, tableText } from "../table.ts";

/** As AdminService answers with it. */
export type TenantMessage = Parameters<typeof tenantToJson>[0];

export type Output = "table" | "json";

const HEADS = ["ID", "HEALTH", "ADMISSION", "DRAINING", "PLACEMENT", "RUNTIME", "GENERATION", "HOSTS"];

/** As wide as the terminal; where nobody looks, nothing is cut. */
export function showTenants(tenants: readonly TenantMessage[], output: Output, io: CommandIo): void {
  const shown = tenants.map(tenantToJson);
  if (output === "json") io.out(jsonText({ tenants: shown }));
  else io.out(tableText(HEADS, shown.map(rowOf), widthOf(io)));
}

export function showTenant(answer: TenantMessage | undefined, output: Output, io: CommandIo): void {
  const tenant = present(answer);
  if (output === "json") io.out(jsonText(tenantToJson(tenant)));
  else showTenants([tenant], output, io);
}

/** Everything of one tenant, a line for each part. */
export function showWhole(answer: TenantMessage | undefined, output: Output, io: CommandIo): void {
  const { registration, ...standing } = tenantToJson(present(answer));
  if (output === "json") io.out(jsonText({ registration, ...standing }));
  else io.out(tableText(["FIELD", "VALUE"], [...partsOf(registration as JsonObject), ...partsOf(standing)]));
}

export function present(tenant: TenantMessage | undefined): TenantMessage {
  if (tenant === undefined) throw new Error("the server answered without a tenant");
  return tenant;
}

function rowOf(tenant: JsonObject): readonly string[] {
  const registration = tenant["registration"] as JsonObject;
  const hosts = (registration["hosts"] ?? []) as readonly { readonly host: string; readonly path: string }[];
  return [
    String(registration["tenantId"]),
    word("health", tenant["health"]),
    word("admission", tenant["admission"]),
    tenant["draining"] === true ? "yes" : "no",
    String(registration["placement"]),
    word("runtime", tenant["runtime"]),
    String(tenant["generation"]),
    hosts.map(({ host, path }) => host + path).join(" "),
  ];
}

/** `limits.leases` and its value, for every part that holds no others. */
function partsOf(value: JsonObject, prefix = ""): readonly (readonly [string, string])[] {
  return Object.entries(value).flatMap(([name, part]): readonly (readonly [string, string])[] => {
    const path = `${prefix}${name}`;
    if (Array.isArray(part)) return part.map((item, index) => [`${path}[${index}]`, textOf(name, item)]);
    if (typeof part === "object" && part !== null) return partsOf(part as JsonObject, `${path}.`);
    return part === "" ? [] : [[path, textOf(name, part)]];
  });
}

function textOf(name: string, value: unknown): string {
  if (typeof value !== "object" || value === null) return word(name, value);
  const parts = Object.entries(value).filter(([, part]) => part !== "");
  return parts.map(([part, text]) => `${part}=${text}`).join(" ");
}

/** Of fields that hold a name from the proto, what all their names begin with. */
const PREFIXES: Readonly<Record<string, string>> = {
  health: "TENANT_HEALTH_",
  serveStates: "TENANT_HEALTH_",
  admission: "ADMISSION_",
  runtime: "TENANT_RUNTIME_",
  build: "TENANT_BUILD_",
  onLeaseExpiry: "LEASE_EXPIRY_POLICY_",
};

/** As it is written in flags: the health TENANT_HEALTH_HEALTHY is healthy, the admission ADMISSION_RETRY_LATER retry-later. */
function word(field: string, value: unknown): string {
  const prefix = PREFIXES[field];
  return prefix === undefined ? String(value) : String(value).replace(prefix, "").toLowerCase().replaceAll("_", "-");
}

/** How a tenant is, in words. */
export function wordsOf(tenant: TenantMessage): {
  readonly health: string;
  readonly runtime: string;
  readonly reason: string;
} {
  const { health, runtime } = tenantToJson(tenant);
  return { health: word("health", health), runtime: word("runtime", runtime), reason: tenant.healthReason };
}

function widthOf({ terminal }: CommandIo): number {
  return terminal ? (process.stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
}
