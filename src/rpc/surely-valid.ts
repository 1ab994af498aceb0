import {
  type DescField,
  type DescMessage,
  type DescOneof,
  getOption,
  hasOption,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import {
  type FieldRules,
  FieldRulesSchema,
  field as fieldRules,
  Ignore,
  message as messageRules,
  oneof as oneofRules,
} from "../../gen/buf/validate/validate_pb.ts";

/** True only of a message that breaks no rule of the proto. False says nothing: then protovalidate is to be asked. */
export type SurelyValid = (message: Message) => boolean;

type Check = (value: never) => boolean;
type Members = Readonly<Record<string, unknown>>;

/**
 * Reads the rules of the proto once, and makes of each a comparison: 0.5 µs and nothing allocated for a claim, where
 * protovalidate takes 5 µs and 7 kB of short-lived objects. What it does not know (a rule that is not below, CEL) it
 * never calls valid. A test holds it against protovalidate, in both directions, over random messages.
 */
export function createSurelyValid(desc: DescMessage): SurelyValid {
  return (messageCheck(desc, []) as SurelyValid | null) ?? (() => true);
}

const NEVER: Check = () => false;

/** Null: nothing in it has a rule. A message inside its own kind is left to protovalidate. */
function messageCheck(desc: DescMessage, above: readonly DescMessage[]): Check | null {
  if (above.includes(desc) || hasOption(desc, messageRules)) return NEVER;
  const inside = [...above, desc];
  const checks = desc.members.flatMap((member) => {
    const check = member.kind === "oneof" ? oneofCheck(member, inside) : fieldCheck(member, inside);
    return check === null ? [] : [check];
  });
  return checks.length === 0 ? null : all(checks);
}

function all(checks: readonly Check[]): Check {
  const [only] = checks;
  if (only !== undefined && checks.length === 1) return only;
  return (value) => {
    for (const check of checks) if (!check(value)) return false;
    return true;
  };
}

function oneofCheck(oneof: DescOneof, above: readonly DescMessage[]): Check | null {
  const isRequired = hasOption(oneof, oneofRules) && getOption(oneof, oneofRules).required;
  const cases = new Map<string, Check>();
  for (const field of oneof.fields) {
    const check = all([...rulesCheck(field), ...insideCheck(field, above)]);
    cases.set(field.localName, isRequiredField(field) ? NEVER : check);
  }
  const { localName } = oneof;
  return (message: Members) => {
    const { case: name, value } = message[localName] as { readonly case?: string; readonly value?: never };
    if (name === undefined) return !isRequired;
    return cases.get(name)?.(value as never) ?? false;
  };
}

function fieldCheck(field: DescField, above: readonly DescMessage[]): Check | null {
  const checks = [...rulesCheck(field), ...insideCheck(field, above)];
  const isRequired = isRequiredField(field);
  if (checks.length === 0 && !isRequired) return null;
  const check = all(checks);
  const { localName } = field;
  if (field.fieldKind === "message") {
    return (message: Members) => {
      const value = message[localName];
      return value === undefined ? !isRequired : check(value as never);
    };
  }
  if (isRequired) return NEVER;
  if (rulesOf(field)?.ignore !== Ignore.IF_ZERO_VALUE) return (message: Members) => check(message[localName] as never);
  return (message: Members) => {
    const value = message[localName];
    return isZero(value) || check(value as never);
  };
}

/** What the messages in a field must obey by their own rules. */
function insideCheck(field: DescField, above: readonly DescMessage[]): readonly Check[] {
  const check = field.message === undefined ? null : messageCheck(field.message, above);
  if (check === null) return [];
  if (field.fieldKind === "list") return [(items: readonly never[]) => items.every((item) => check(item))];
  return [field.fieldKind === "message" ? check : NEVER];
}

function rulesOf(field: DescField): FieldRules | null {
  return hasOption(field, fieldRules) ? getOption(field, fieldRules) : null;
}

function isRequiredField(field: DescField): boolean {
  return rulesOf(field)?.required === true;
}

function isZero(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === "" || value === 0 || value === 0n;
}

/** The comparisons that a field's own rules come down to. */
function rulesCheck(field: DescField): readonly Check[] {
  const rules = rulesOf(field);
  if (rules === null) return [];
  const { type, cel, celExpression, ignore, $unknown } = rules;
  const isKnownIgnore = ignore === Ignore.UNSPECIFIED || (ignore === Ignore.IF_ZERO_VALUE && field.oneof === undefined);
  if (cel.length > 0 || celExpression.length > 0 || $unknown !== undefined || !isKnownIgnore) return [NEVER];
  const { message } = FieldRulesSchema.fields.find(({ localName }) => localName === type.case) ?? {};
  if (type.value === undefined || message === undefined) return [];
  const reflected = reflect(message, type.value);
  if (reflected.getUnknown() !== undefined) return [NEVER];
  const known = COMPARISONS[type.case] ?? {};
  return reflected.fields
    .filter((rule) => reflected.isSet(rule))
    .map((rule) => known[rule.localName]?.(boundOf(field, reflected.get(rule)) as never, field) ?? NEVER);
}

/** Lengths are numbers, and a number is slow to compare with a bigint; only 64-bit fields are bigints themselves. */
function boundOf({ scalar }: DescField, bound: unknown): unknown {
  const is64Bit = scalar === ScalarType.INT64 || scalar === ScalarType.UINT64;
  return typeof bound === "bigint" && !is64Bit ? Number(bound) : bound;
}

type Comparison = (bound: never, field: DescField) => Check;

const NUMBERS: Readonly<Record<string, Comparison>> = {
  gt: (least: number) => (value: number) => value > least,
  gte: (least: number) => (value: number) => value >= least,
  lte: (most: number) => (value: number) => value <= most,
  finite: (isWanted: boolean) => (value: number) => !isWanted || Number.isFinite(value),
};

/** By the kind of the rules and the rule's name. What is set in the proto and not here is protovalidate's. */
const COMPARISONS: Readonly<Record<string, Readonly<Record<string, Comparison>>>> = {
  ...{ double: NUMBERS, uint32: NUMBERS, int64: NUMBERS, uint64: NUMBERS },
  string: {
    // A UTF-16 unit is 1 to 3 bytes of UTF-8, so most need not be counted.
    minBytes: (least: number) => (text: string) => text.length >= least || Buffer.byteLength(text) >= least,
    maxBytes: (most: number) => (text: string) => text.length * 3 <= most || Buffer.byteLength(text) <= most,
    notContains: (part: string) => (text: string) => !text.includes(part),
  },
  bytes: {
    len: (length: number) => (bytes: Uint8Array) => bytes.length === length,
    minLen: (least: number) => (bytes: Uint8Array) => bytes.length >= least,
    maxLen: (most: number) => (bytes: Uint8Array) => bytes.length <= most,
  },
  enum: {
    definedOnly: (isWanted: boolean, field) => {
      const defined = new Set(field.enum?.values.map(({ number }) => number));
      return (value: number) => !isWanted || defined.has(value);
    },
    notIn: (refused: Iterable<number>) => {
      const known = new Set(refused);
      return (value: number) => !known.has(value);
    },
  },
  repeated: {
    minItems: (least: number) => (items: readonly unknown[]) => items.length >= least,
    maxItems: (most: number) => (items: readonly unknown[]) => items.length <= most,
  },
};
