import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { Fault } from "../domain/fault.ts";
import type { Malformed } from "./endpoint.ts";

/**
 * Bytes or JSON that are no request of this type. The decoder's own text goes nowhere, not even into the log, for it
 * quotes what was sent; the field that it names is told, if there is but one place in the request where it can be.
 */
export function malformed(input: DescMessage, { cause }: Malformed): Fault {
  if (cause instanceof Fault) return cause;
  const field = fieldNamedBy(input, cause);
  const message = `the request could not be decoded as ${input.typeName}`;
  if (field === null) return new Fault("FIELD_INVALID", message);
  return new Fault("FIELD_INVALID", `${message}: ${field.path} ${field.allowed}`, {
    violations: [{ field: field.path, allowed: field.allowed }],
  });
}

/** How protobuf-es begins what it says of JSON; the name is always one of the schema's. */
const NAMED_FIELD = /cannot decode field ([A-Za-z0-9_.]+) from JSON/;

/** An error inside an error inside an error: as deep as the libraries wrap. */
const CAUSES_MAX = 4;

function fieldNamedBy(input: DescMessage, thrown: unknown): { path: string; allowed: string } | null {
  for (let error = thrown, depth = 0; error instanceof Error && depth < CAUSES_MAX; error = error.cause, depth++) {
    const name = NAMED_FIELD.exec(error.message)?.[1];
    const found = name === undefined ? [] : pathsTo(name, input, "", []);
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
  }
  return null;
}

/** Every place of the qualified field below the message; recursive types are entered once. */
function pathsTo(
  name: string,
  message: DescMessage,
  prefix: string,
  above: readonly DescMessage[],
): readonly { path: string; allowed: string }[] {
  if (above.includes(message)) return [];
  return message.fields.flatMap((field) => {
    const path = prefix + field.name;
    const here = `${message.typeName}.${field.name}` === name ? [{ path, allowed: expected(field) }] : [];
    const inner = field.fieldKind === "message" ? pathsTo(name, field.message, `${path}.`, [...above, message]) : [];
    return [...here, ...inner];
  });
}

function expected(field: DescField): string {
  switch (field.fieldKind) {
    case "message":
      return `must be a ${field.message.typeName}`;
    case "enum":
      return `must be a ${field.enum.typeName}`;
    case "list":
      return "must be a list";
    case "map":
      return "must be a map of strings";
    case "scalar":
      return "does not have a value of its type";
  }
}
