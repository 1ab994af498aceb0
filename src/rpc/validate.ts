import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { type Path, pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import { Fault, type FieldViolation } from "../domain/fault.ts";
import { INVALID_CODES, type InvalidCode, type Rules } from "./rules.ts";
import { createSurelyValid } from "./surely-valid.ts";
import { withoutDurationRules } from "./validation-schema.ts";

/** Throws a `Fault` that names every field which breaks a rule. */
export type Validate<Desc extends DescMessage> = (message: MessageShape<Desc>) => void;

/** One for the process: it compiles the rules of a message at its first use. */
const validator = createValidator();

/**
 * The rules of the proto and those that it cannot say. protovalidate judges, and words what is wrong; but it is not asked
 * about a message that surely breaks no rule.
 */
export function createValidate<Desc extends DescMessage>(desc: Desc, rules: Rules<MessageShape<Desc>>): Validate<Desc> {
  const ruled = withoutDurationRules(desc);
  const isSurelyValid = createSurelyValid(ruled);
  return (message) => {
    const found = isSurelyValid(message) ? [] : judge(ruled, message);
    rules(message, (code, field, allowed) => found.push({ code, field, allowed }));
    if (found.length > 0) throw invalid(found);
  };
}

function judge<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): Found[] {
  const checked = validator.validate(desc, message);
  if (checked.kind === "error") throw new Error("bug: a rule of the proto does not work", { cause: checked.error });
  return checked.kind === "invalid" ? checked.violations.map(fromProto) : [];
}

interface Found extends FieldViolation {
  readonly code: InvalidCode;
}

function invalid(found: readonly Found[]): Fault {
  const code = INVALID_CODES.find((candidate) => found.some((violation) => violation.code === candidate));
  if (code === undefined) throw new Error("bug: a violation without a code");
  const first = found.filter((violation) => violation.code === code);
  return new Fault(code, describe(first), { violations: found.map(({ field, allowed }) => ({ field, allowed })) });
}

const NAMED_FIELDS_MAX = 3;

function describe(violations: readonly FieldViolation[]): string {
  const named = violations.slice(0, NAMED_FIELDS_MAX).map(({ field, allowed }) => `${field} ${allowed}`);
  const more = violations.length - named.length;
  return named.join("; ") + (more > 0 ? `; and ${more} more` : "");
}

function fromProto(violation: Violation): Found {
  const field = pathToString(violation.field);
  return { code: codeOf(field, violation.ruleId), field, allowed: allowedBy(violation) };
}

function codeOf(field: string, ruleId: string): InvalidCode {
  if (ruleId !== "bytes.max_len") return "FIELD_INVALID";
  if (field === "result.inline" || field === "completed.inline") return "RESULT_TOO_LARGE";
  return field === "checkpoint.data" ? "CHECKPOINT_TOO_LARGE" : "FIELD_INVALID";
}

/** protovalidate's own words name the bound, never the value, but not everything that a caller wants to know. */
function allowedBy({ ruleId, field, message }: Violation): string {
  const last: Path[number] | undefined = field.at(-1);
  if (last?.kind === "oneof") return `must be set, to one of ${last.fields.map(({ name }) => name).join(", ")}`;
  if (ruleId === "required") return "must be set";
  if (ruleId === "string.not_contains") return "must not contain U+0000";
  if (ruleId.startsWith("enum.") && last?.kind === "field" && last.enum !== undefined) {
    const names = last.enum.values.filter(({ number }) => number !== 0).map(({ name }) => name);
    return `must be one of ${names.join(", ")}`;
  }
  return message === "must be at least 1 bytes" ? "must not be empty" : message;
}
