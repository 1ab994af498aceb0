import { choice, count, type Kind } from "../../server/config/kinds.ts";
import { age, anyText, bareFlag, boundedText, valueFlag } from "../own-flags.ts";
import { codeNumber, ERROR_CODE_NAMES } from "../status-codes.ts";
import { LISTED_STATES } from "./view.ts";

/** As the contract has it. */
const SCOPE_BYTES_MAX = 128;
export const KEY_BYTES_MAX = 512;
const LABEL_BYTES_MAX = 256;

/** More, without end, is --all. */
const LIMIT_MAX = 100_000;
export const LIMIT_DEFAULT = 100;

export const SCOPE = valueFlag(
  "scope",
  boundedText("SCOPE", SCOPE_BYTES_MAX),
  "What kind of work it is, as its claims name it.",
);

export const TENANT = valueFlag(
  "tenant",
  tenantId(),
  "Whose record it is. Default: the credential's own tenant, or default if it has none.",
);

export const STUCK = bareFlag("stuck", "Only those that do not go on by themselves.");

export const STATE = valueFlag("state", choice(...LISTED_STATES), "Only those in this state.", { repeatable: true });

export const PREFIX = valueFlag("prefix", boundedText("TEXT", KEY_BYTES_MAX), "Only those whose keys begin so.");

export const OWNER = valueFlag(
  "owner",
  boundedText("NAME", LABEL_BYTES_MAX),
  "Only those whose last holder has this as its service or instance, or as SERVICE/INSTANCE.",
);

export const OLDER_THAN = valueFlag("older-than", age, "Only those first claimed so long ago, or longer.");

export const NEWER_THAN = valueFlag("newer-than", age, "Only those first claimed no longer ago.");

export const LIMIT = valueFlag("limit", count(1, LIMIT_MAX), `At most so many. Default: ${LIMIT_DEFAULT}.`);

export const ALL = bareFlag("all", "All there are, instead of the first of them.");

export const ALL_TENANTS = bareFlag("all-tenants", "Those of every tenant. Needs a credential of every tenant.");

export const RESULTS = bareFlag("results", "With results and errors. Needs the role read.");

export const RESULT = bareFlag("result", "With its result, or its error. Needs the role read.");

export const RAW = bareFlag("raw", "The bytes of the result as they are, and nothing else.");

export const REASON = valueFlag("reason", reasonText(), "Why, for the audit log. Required.");

export const FENCE = valueFlag(
  "fence",
  { ...anyText, placeholder: "N", allowed: "a whole number from 1", parse: fence },
  "Only if the record still has this fence. Default: the one that it has when the command begins.",
);

export const FORCE_RESOLVE = bareFlag("force", "Also while a reconciler is finding out.");

export const FORCE_RESET = bareFlag("force", "Also while somebody is at work on it.");

export const FORCE_PURGE = bareFlag("force", "Also those that somebody is at work on.");

export const YES = bareFlag("yes", "Do not ask. Needed where nobody can be asked.");

export const COMPLETED_TEXT = valueFlag("completed-text", anyText, "It was done, and this text is its result.");

export const COMPLETED_JSON = valueFlag(
  "completed-json",
  { ...anyText, placeholder: "JSON", allowed: "a JSON value", parse: json },
  "It was done, and this JSON value is its result.",
);

export const COMPLETED_FILE = valueFlag(
  "completed-file",
  boundedText("FILE", 4096),
  "It was done, and what is in this file is its result.",
);

export const CONTENT_TYPE = valueFlag(
  "content-type",
  boundedText("TYPE", LABEL_BYTES_MAX),
  "The media type of that result. Default: text/plain, application/json or application/octet-stream.",
);

export const FAILED_MESSAGE = valueFlag("failed-message", anyText, "It will not be done, and this is why.");

export const FAILED_CODE = valueFlag(
  "failed-code",
  { placeholder: "CODE", allowed: `one of ${ERROR_CODE_NAMES.join(", ")}`, parse: codeNumber, format: String },
  "The gRPC code of that error. Default: UNKNOWN.",
);

export const NOT_DONE = bareFlag(
  "not-done",
  "It was not done, and the attempt in doubt cannot do it any more: the next claim does it.",
);

export const ALL_OF_SCOPE = bareFlag("all-of-scope", "All records of --scope, instead of one.");

export const ALL_OF_TENANT = bareFlag("all-of-tenant", "All records of the tenant, instead of one.");

/** As tenants are called. */
function tenantId(): Kind<string> {
  const parse = (given: string) => (/^[a-z0-9-]{1,63}$/.test(given) ? given : undefined);
  return { ...anyText, placeholder: "TENANT", allowed: "the id of a tenant: 1 to 63 of a-z, 0-9 and -", parse };
}

/** Whoever reads the audit log later is to find a reason there. */
function reasonText(): Kind<string> {
  const { parse, ...kind } = boundedText("TEXT", LABEL_BYTES_MAX);
  const allowed = `${kind.allowed}, not white space only`;
  return { ...kind, allowed, parse: (given) => (given.trim() === "" ? undefined : parse(given)) };
}

/** What an int64 takes; 0 would be no fence at all. */
function fence(given: string): string | undefined {
  return /^[1-9]\d{0,18}$/.test(given) && BigInt(given) < 2n ** 63n ? given : undefined;
}

/** The text as it was given: it is not for this program to change how numbers are written. */
function json(given: string): string | undefined {
  try {
    JSON.parse(given);
    return given;
  } catch {
    return undefined;
  }
}
