import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { Fault } from "../domain/fault.ts";
import type { Malformed } from "./endpoint.ts";

/**
 * Bytes or JSON that are no request of this type. The decoder's own text goes nowhere, not even into the log, for it
 * quotes what was sent; the field, enum or message that it names is told, and where it is, if there is but one place in
 * the request where it can be.
 */
export function malformed(input: DescMessage, { cause }: Malformed): Fault {
  if (cause instanceof Fault) return cause;
  const message = `the request could not be decoded as ${input.typeName}`;
  const culprit = culpritOf(input, cause);
  if (culprit?.name === input.typeName) return new Fault("FIELD_INVALID", `${message}: ${NO_SUCH_JSON}`);
  const [only, ...more] = culprit?.places ?? [];
  if (culprit === null || only === undefined) return new Fault("FIELD_INVALID", message);
  const allowed = expected(only.field);
  // Of several places none is named: the decoder does not say which, and a guess would lead astray.
  if (more.length > 0) return new Fault("FIELD_INVALID", `${message}: a ${culprit.name} in it ${allowed}`);
  return new Fault("FIELD_INVALID", `${message}: ${only.path} ${allowed}`, {
    violations: [{ field: only.path, allowed }],
  });
}

/** What the decoder blames the whole request for; which of it, only its own text says, and that quotes. */
const NO_SUCH_JSON = "it is no JSON object, or has a field that this message does not have";

interface Place {
  readonly path: string;
  readonly field: DescField;
}

/** How protobuf-es begins what it says of JSON; the name is always one of the schema's. */
const NAMED = /cannot decode (?:field|enum|message) ([A-Za-z0-9_.]+) from JSON/;

/** An error inside an error inside an error: as deep as the libraries wrap. */
const CAUSES_MAX = 4;

function culpritOf(input: DescMessage, thrown: unknown): { name: string; places: readonly Place[] } | null {
  for (let error = thrown, depth = 0; error instanceof Error && depth < CAUSES_MAX; error = error.cause, depth++) {
    const name = NAMED.exec(error.message)?.[1];
    if (name !== undefined) return { name, places: placesOf(name, input, "", []) };
  }
  return null;
}

/** Every place below the message of what has this qualified name; recursive types are entered once. */
function placesOf(name: string, message: DescMessage, prefix: string, above: readonly DescMessage[]): readonly Place[] {
  if (above.includes(message)) return [];
  return message.fields.flatMap((field) => {
    const path = prefix + field.name;
    const names = [`${message.typeName}.${field.name}`, field.enum?.typeName, field.message?.typeName];
    const here = names.includes(name) ? [{ path, field }] : [];
    const inner = field.fieldKind === "message" ? placesOf(name, field.message, `${path}.`, [...above, message]) : [];
    return [...here, ...inner];
  });
}

function expected(field: DescField): string {
  switch (field.fieldKind) {
    case "message":
      return field.message.typeName === "google.protobuf.Duration"
        ? 'must be a number of seconds as text, such as "30s"'
        : `must be a ${field.message.typeName}, with none but its fields`;
    case "enum":
      return `must be one of ${field.enum.values
        .filter(({ number }) => number !== 0)
        .map(({ name }) => name)
        .join(", ")}`;
    case "list":
      return "must be a list";
    case "map":
      return "must be a map of strings";
    case "scalar":
      return "does not have a value of its type";
  }
}
