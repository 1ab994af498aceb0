import { createRegistry, type DescField, type DescMessage, isMessage, type Message, toJson } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import {
  type Any,
  AnySchema,
  anyPack,
  file_google_protobuf_duration,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
  StructSchema,
} from "@bufbuild/protobuf/wkt";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.ts";

/** The types that an Any may hold in JSON: those of error details, and plain values. */
const REGISTRY = createRegistry(
  file_google_rpc_error_details,
  file_google_protobuf_struct,
  file_google_protobuf_duration,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
);

/**
 * A name that the schema does not have is refused, not ignored: somebody who writes JSON by hand wants to hear of
 * `calim_id`. Text that is not UTF-8 is refused too; the decoder's default would put other characters in its place.
 */
export const JSON_OPTIONS = {
  registry: REGISTRY,
  ignoreUnknownFields: false,
  textDecoder: new TextDecoder("utf-8", { fatal: true }),
} as const;

/**
 * Makes a response printable as JSON, in place. A stored error may carry details of types that only its author knows;
 * JSON has no form for them, and without this the whole answer would fail. They become a Struct with type and bytes.
 */
export function makePrintable(desc: DescMessage, message: Message): void {
  for (const field of desc.fields) {
    if (field.message === undefined || !holdsAny(field.message)) continue;
    for (const [value, replace] of valuesOf(field, message)) {
      if (isMessage(value, AnySchema)) replace(printable(value));
      else makePrintable(field.message, value);
    }
  }
}

function printable(any: Any): Any {
  try {
    if (any.typeUrl !== "") {
      toJson(AnySchema, any, JSON_OPTIONS);
      return any;
    }
  } catch {
    // Unknown, not what its type says, or a value that JSON has no form for, such as a time outside the calendar.
  }
  return anyPack(StructSchema, { $typeName: StructSchema.typeName, fields: opaqueFields(any) });
}

function opaqueFields({ typeUrl, value }: Any) {
  const text = (value: string) => ({
    $typeName: "google.protobuf.Value" as const,
    kind: { case: "stringValue" as const, value },
  });
  return { typeUrl: text(typeUrl), value: text(base64Encode(value)) };
}

type Replace = (any: Any) => void;

function valuesOf(field: DescField, message: Message): readonly (readonly [Message, Replace])[] {
  const owner = message as unknown as Record<string, unknown>;
  const oneof = field.oneof === undefined ? undefined : (owner[field.oneof.localName] as OneofValue);
  if (field.fieldKind === "list") {
    const list = owner[field.localName] as Message[];
    return list.map((value, index) => [value, (any) => list.splice(index, 1, any)]);
  }
  if (field.fieldKind !== "message") return [];
  if (oneof !== undefined) return oneof.case === field.localName ? [[oneof.value, () => undefined]] : [];
  const value = owner[field.localName] as Message | undefined;
  return value === undefined ? [] : [[value, (any) => Object.assign(owner, { [field.localName]: any })]];
}

type OneofValue = { readonly case: string | undefined; readonly value: Message };

const known = new Map<DescMessage, boolean>([[AnySchema, true]]);

function holdsAny(desc: DescMessage): boolean {
  const found = known.get(desc);
  if (found !== undefined) return found;
  known.set(desc, false);
  const holds = desc.fields.some((field) => field.message !== undefined && holdsAny(field.message));
  known.set(desc, holds);
  return holds;
}
