import { type JsonObject, tenantToJson } from "../../rpc/wire/registration-json.ts";
import type { CommandIo } from "../commands.ts";
import { tableText } from "../table.ts";

/** As AdminService answers with it. */
export type TenantMessage = Parameters<typeof tenantToJson>[0];

export type Output = "table" | "json";

const HEADS = ["ID", "HEALTH", "ADMISSION", "DRAINING", "PLACEMENT", "RUNTIME", "GENERATION", "HOSTS"];

/** As wide as the terminal; where nobody looks, nothing is cut. */
export function showTenants(tenants: readonly TenantMessage[], output: Output, io: CommandIo): void {
  const shown = tenants.map(tenantToJson);
  if (output === "json") printJson({ tenants: shown }, io);
  else io.out(tableText(HEADS, shown.map(rowOf), widthOf(io)));
}

export function showTenant(answer: TenantMessage | undefined, output: Output, io: CommandIo): void {
  const tenant = present(answer);
  if (output === "json") printJson(tenantToJson(tenant), io);
  else showTenants([tenant], output, io);
}

/** Everything of one tenant, a line for each part. */
export function showWhole(answer: TenantMessage | undefined, output: Output, io: CommandIo): void {
  const { registration, ...standing } = tenantToJson(present(answer));
  if (output === "json") printJson({ registration, ...standing }, io);
  else io.out(tableText(["FIELD", "VALUE"], [...partsOf(registration as JsonObject), ...partsOf(standing)]));
}

function present(tenant: TenantMessage | undefined): TenantMessage {
  if (tenant === undefined) throw new Error("the server answered without a tenant");
  return tenant;
}

export function printJson(value: JsonObject, io: CommandIo): void {
  io.out(`${JSON.stringify(value, null, 2)}\n`);
}

function rowOf(tenant: JsonObject): readonly string[] {
  const registration = tenant["registration"] as JsonObject;
  const hosts = (registration["hosts"] ?? []) as readonly { readonly host: string; readonly path: string }[];
  return [
    String(registration["tenantId"]),
    word(tenant["health"], "TENANT_HEALTH_"),
    word(tenant["admission"], "ADMISSION_"),
    tenant["draining"] === true ? "yes" : "no",
    String(registration["placement"]),
    word(tenant["runtime"], "TENANT_RUNTIME_"),
    String(tenant["generation"]),
    hosts.map(({ host, path }) => host + path).join(" "),
  ];
}

/** `health.reason` and its value, for every part that holds no others. */
function partsOf(value: JsonObject, prefix = ""): readonly (readonly [string, string])[] {
  return Object.entries(value).flatMap(([name, part]): readonly (readonly [string, string])[] => {
    const path = `${prefix}${name}`;
    if (Array.isArray(part)) return part.map((item, index) => [`${path}[${index}]`, textOf(item)]);
    if (typeof part === "object" && part !== null) return partsOf(part as JsonObject, `${path}.`);
    return part === "" ? [] : [[path, textOf(part)]];
  });
}

function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const parts = Object.entries(value).filter(([, part]) => part !== "");
  return parts.map(([name, part]) => `${name}=${part}`).join(" ");
}

/** TENANT_HEALTH_HEALTHY is healthy, ADMISSION_RETRY_LATER retry-later. */
function word(name: unknown, prefix: string): string {
  return String(name).replace(prefix, "").toLowerCase().replaceAll("_", "-");
}

function widthOf({ terminal }: CommandIo): number {
  return terminal ? (process.stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
}
