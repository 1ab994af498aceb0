/** A reason of holdfast.v1.ErrorReason, as errors.proto has it. */
export interface Reason {
  /** Without the prefix: FIELD_INVALID. */
  readonly name: string;
  /** FieldInvalidError. */
  readonly className: string;
  /** The gRPC code that the comment begins with. */
  readonly code: string;
  /** The rest of the comment, on one line. */
  readonly meaning: string;
}

const PREFIX = "ERROR_REASON_";

/**
 * In the order of the file.
 *
 * @throws Error for a value whose comment does not begin with its gRPC code: nobody would know what it travels under.
 */
export function reasonsOf(proto: string): readonly Reason[] {
  const body = /^enum ErrorReason \{\n(.*?)^\}/ms.exec(proto)?.[1];
  if (body === undefined) throw new Error("errors.proto has no enum ErrorReason");
  const values = body.matchAll(/((?: *\/\/.*\n)*) *ERROR_REASON_([A-Z0-9_]+) = (\d+);/g);
  return [...values]
    .filter(([, , , number]) => number !== "0")
    .map(([, comment = "", name = ""]) => toReason(name, comment));
}

/** FINGERPRINT_MISMATCH is FingerprintMismatchError. */
export function classNameOf(reason: string): string {
  const words = reason.toLowerCase().split("_");
  return `${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("")}Error`;
}

function toReason(name: string, comment: string): Reason {
  const text = comment
    .replaceAll(/^ *\/\/ ?/gm, "")
    .trim()
    .replaceAll(/\s+/g, " ");
  const [, code, meaning] = /^([A-Z_]+)\. (.+)$/.exec(text) ?? [];
  if (code === undefined || meaning === undefined) {
    throw new Error(`the comment of ${PREFIX}${name} must be "CODE. What it means."`);
  }
  return { name, className: classNameOf(name), code, meaning };
}
