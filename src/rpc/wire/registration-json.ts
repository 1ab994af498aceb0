import {
  type DescField,
  type DescMessage,
  type DescOneof,
  fromJson,
  type JsonValue,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import {
  type Tenant,
  type TenantRegistration as TenantRegistrationProto,
  TenantRegistrationSchema,
  TenantSchema,
} from "../../../gen/holdfast/v1/admin_pb.ts";
import { Fault, type FieldViolation } from "../../domain/fault.ts";
import type { Declaration } from "../../operations/admin/tenants/declaration.ts";
import { registrationRules } from "../admin/rules.ts";
import { createValidate } from "../validate.ts";
import { declarationOf } from "./registration.ts";

/** Registrations as people write and read them: in proto JSON, with either spelling of a field's name. */
export type RegistrationReading =
  | { readonly kind: "registration"; readonly message: TenantRegistrationProto; readonly declaration: Declaration }
  /** Paths in the spelling of JSON: `hosts[0].host`, `defaultPolicy.maxAttempts`. */
  | { readonly kind: "problems"; readonly problems: readonly FieldViolation[] };

const validate = createValidate(TenantRegistrationSchema, registrationRules);

/** Everything that the proto and its rules say against it. What depends on a server, `declare` says. */
export function readRegistration(json: unknown): RegistrationReading {
  const problems = problemsOf(TenantRegistrationSchema, json, "");
  if (problems.length > 0) return { kind: "problems", problems };
  const message = fromJson(TenantRegistrationSchema, json as JsonValue);
  try {
    validate(message);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { kind: "problems", problems: error.violations.map(inJson) };
  }
  return { kind: "registration", message, declaration: declarationOf(message) };
}

/** The same field, spelled as in JSON. */
export function inJson({ field, allowed }: FieldViolation): FieldViolation {
  return { field: field.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), allowed };
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function registrationToJson(registration: TenantRegistrationProto): JsonObject {
  return toJson(TenantRegistrationSchema, registration) as unknown as JsonObject;
}

/** With what is false, 0 or empty, so that a script need not know what that is. */
export function tenantToJson(tenant: Tenant): JsonObject {
  return toJson(TenantSchema, tenant, { alwaysEmitImplicit: true }) as unknown as JsonObject;
}

/** All of them: protobuf-es stops at the first, and quotes it. */
function problemsOf(desc: DescMessage, json: unknown, path: string): readonly FieldViolation[] {
  const at = (name: string) => (path === "" ? name : `${path}.${name}`);
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return [{ field: path, allowed: `must be fields of ${desc.name}` }];
  }
  const seen = new Set<DescField | DescOneof>();
  return Object.entries(json).flatMap(([name, value]) => {
    const field = desc.fields.find((known) => known.jsonName === name || known.name === name);
    if (field === undefined) return [{ field: at(name), allowed: `is no field of ${desc.name}` }];
    if (value === null) return [];
    if (seen.has(field)) return [{ field: at(name), allowed: "must be there once, in one spelling" }];
    if (field.oneof !== undefined && seen.has(field.oneof)) return [{ field: path, allowed: oneOf(field.oneof) }];
    seen.add(field).add(field.oneof ?? field);
    return problemsOfField(desc, field, value, at(field.jsonName));
  });
}

function oneOf({ fields }: DescOneof): string {
  return `must have one of ${fields.map(({ jsonName }) => jsonName).join(", ")}, and no two`;
}

function problemsOfField(desc: DescMessage, field: DescField, value: unknown, path: string): readonly FieldViolation[] {
  const message = field.message;
  if (message !== undefined && !message.typeName.startsWith("google.protobuf.")) {
    if (field.fieldKind !== "list") return problemsOf(message, value, path);
    if (!Array.isArray(value)) return [{ field: path, allowed: "must be a list" }];
    return value.flatMap((item, index) => problemsOf(message, item, `${path}[${index}]`));
  }
  try {
    fromJson(desc, { [field.jsonName]: value as JsonValue });
    return [];
  } catch {
    return [{ field: path, allowed: expected(field) }];
  }
}

function expected(field: DescField): string {
  const names = field.enum?.values.filter(({ number }) => number !== 0).map(({ name }) => name);
  if (names !== undefined) return `must be ${field.fieldKind === "list" ? "a list of" : "one of"} ${names.join(", ")}`;
  if (field.message !== undefined) return 'must be a number of seconds as text, such as "86400s"';
  return field.scalar === undefined ? "must be a list" : (SCALARS[field.scalar] ?? "has a wrong value");
}

const WHOLE = "must be a whole number, 0 or more and not too large";

/** Of the kinds that registrations have. */
const SCALARS: Readonly<Partial<Record<ScalarType, string>>> = {
  [ScalarType.STRING]: "must be a text; a number or the like in quotes",
  [ScalarType.BOOL]: "must be true or false",
  [ScalarType.DOUBLE]: "must be a number",
  [ScalarType.UINT32]: WHOLE,
  [ScalarType.UINT64]: WHOLE,
};
