import { DATABASE_URL, redactUrl } from "../../store/postgres/redacted-url.ts";
import {
  choiceForm,
  countForm,
  durationForm,
  type FileForm,
  flagForm,
  listForm,
  namedUrlsForm,
  textForm,
} from "./file-forms.ts";

/** A type of option: how its text becomes a value, and what to tell someone whose text does not. */
export interface Kind<Value> {
  /** Stands for the value in help texts. */
  readonly placeholder: string;
  /** What is allowed, to go after "must be". */
  readonly allowed: string;
  /** Undefined when the text is not allowed. */
  parse(text: string): Value | undefined;
  /** The inverse of parse, for people; leaves out what must not be printed. */
  format(value: Value): string;
  /** How it stands in a file. Absent: as text. */
  readonly inFile?: FileForm;
  /** Whether the value is, or has in it, what nobody else may read. Absent: it never does. */
  holdsSecret?(value: Value): boolean;
}

export interface Address {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

export const text: Kind<string> = {
  placeholder: "TEXT",
  allowed: "a text that is not empty",
  parse: (value) => value,
  format: (value) => value,
};

export const path: Kind<string> = { ...text, placeholder: "DIR", allowed: "a directory" };

export const file: Kind<string> = { ...text, placeholder: "FILE", allowed: "a file" };

export const url: Kind<string> = {
  placeholder: "URL",
  allowed: "an address that begins with https:// or http://",
  parse: (value) => (/^https?:\/\//.test(value) && URL.canParse(value) ? value : undefined),
  // Whatever is in it before an @ or behind a ? may be a secret.
  format: redactHttpUrl,
  inFile: textForm(/^https?:\/\//),
  holdsSecret: (value) => redactHttpUrl(value) !== value,
};

function redactHttpUrl(value: string): string {
  return value.replace(/\/\/[^/@]*@/, "//***@").replace(/\?.*$/s, "?***");
}

export const flag: Kind<boolean> = {
  placeholder: "",
  allowed: "true or false",
  parse: (value) => ({ true: true, false: false })[value],
  format: String,
  inFile: flagForm,
};

export function choice<const Value extends string>(...values: readonly Value[]): Kind<Value> {
  return {
    placeholder: values.join("|"),
    allowed: `one of ${values.join(", ")}`,
    parse: (value) => values.find((known) => known === value),
    format: (value) => value,
    inFile: choiceForm(values),
  };
}

/** Some of the words, with commas between. */
export function choices<const Value extends string>(...values: readonly Value[]): Kind<readonly Value[]> {
  return {
    placeholder: "LIST",
    allowed: `one or several of ${values.join(", ")}, with commas between`,
    parse(given) {
      const named = given.split(",").map((word) => values.find((known) => known === word));
      const distinct = new Set(named.filter((word) => word !== undefined));
      return distinct.size === named.length ? [...distinct] : undefined;
    },
    format: (value) => value.join(","),
    inFile: listForm(values),
  };
}

export function count(min: number, max: number): Kind<number> {
  return {
    placeholder: "N",
    allowed: `a whole number from ${min} to ${max}`,
    parse(value) {
      const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
      return number >= min && number <= max ? number : undefined;
    },
    format: String,
    inFile: countForm(min, max),
  };
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** That show how one is written, and are allowed. */
function examplesWithin(minMs: number, maxMs: number): string {
  const fitting = ["500ms", "10s", "5m", "1h"].filter((example) => {
    const ms = parseDuration(example) ?? 0;
    return ms >= minMs && ms <= maxMs;
  });
  const last = fitting.pop();
  if (last === undefined) return "";
  return `, such as ${fitting.length === 0 ? last : `${fitting.join(", ")} or ${last}`}`;
}

/** Milliseconds, written with a unit; 0 needs none. */
export function duration(min: string, max: string): Kind<number> {
  const minMs = parseDuration(min) ?? 0;
  const maxMs = parseDuration(max) ?? 0;
  return {
    placeholder: "TIME",
    allowed: `a time from ${min} to ${max}${examplesWithin(minMs, maxMs)}`,
    parse(value) {
      const ms = parseDuration(value);
      return ms !== undefined && ms >= minMs && ms <= maxMs ? ms : undefined;
    },
    format: formatDuration,
    inFile: minMs === 0 ? durationForm(DURATION) : textForm(DURATION),
  };
}

const DURATION = /^(?:0|(\d{1,9})(ms|s|m|h))$/;

function parseDuration(value: string): number | undefined {
  if (value === "0") return 0;
  const match = DURATION.exec(value);
  if (match === null) return undefined;
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}

function formatDuration(ms: number): string {
  for (const unit of ["h", "m", "s"] as const) {
    if (ms > 0 && ms % UNIT_MS[unit] === 0) return `${ms / UNIT_MS[unit]}${unit}`;
  }
  return ms === 0 ? "0" : `${ms}ms`;
}

const ADDRESS = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9.-]{1,253})):(\d{1,5})$/;

/** To listen on. `localhost` is 127.0.0.1: a name that binds two addresses would need two free ports of one number. */
export const address: Kind<Address> = {
  placeholder: "HOST:PORT",
  allowed: "HOST:PORT, such as 127.0.0.1:7400 or [::1]:7400; port 0 takes any free one",
  parse(value) {
    const parsed = parseAddress(value);
    return parsed?.host === "localhost" ? { ...parsed, host: "127.0.0.1" } : parsed;
  },
  format: formatAddress,
  inFile: textForm(ADDRESS),
};

/** To call. */
export const serverAddress: Kind<Address> = {
  placeholder: "HOST:PORT",
  allowed: "HOST:PORT, such as localhost:7400",
  parse: (value) => (parseAddress(value)?.port === 0 ? undefined : parseAddress(value)),
  format: formatAddress,
  inFile: textForm(ADDRESS),
};

function parseAddress(value: string): Address | undefined {
  const match = ADDRESS.exec(value);
  const port = Number(match?.[3]);
  return port <= 65_535 ? { host: match?.[1] ?? match?.[2] ?? "", port } : undefined;
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export function isLoopback(host: string): boolean {
  return host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

export const databaseUrl: Kind<string> = {
  placeholder: "URL",
  allowed: "postgres://USER:PASSWORD@HOST:PORT/DATABASE, or with a socket directory: postgres:///DATABASE?host=/DIR",
  parse: (value) => (DATABASE_URL.test(value) ? value : undefined),
  format: redactUrl,
  inFile: textForm(DATABASE_URL),
  holdsSecret: hasPassword,
};

function hasPassword(value: string): boolean {
  return redactUrl(value) !== value;
}

export interface NamedUrl {
  readonly name: string;
  readonly url: string;
}

const PLACEMENT_NAME = /^[a-z][a-z0-9-]{0,62}$/;
const NAMED_URL = /^([a-z][a-z0-9-]{0,62})=(.+)$/;

export const namedUrls: Kind<readonly NamedUrl[]> = {
  placeholder: "NAME=URL...",
  allowed: "names (a-z, 0-9, -) with database addresses, such as `eu=postgres://…`, with spaces between",
  parse(value) {
    const pairs = value
      .trim()
      .split(/\s+/)
      .map((pair) => NAMED_URL.exec(pair));
    const named = pairs.map((pair) => ({ name: pair?.[1] ?? "", url: databaseUrl.parse(pair?.[2] ?? "") ?? "" }));
    return named.every(({ name, url }) => name !== "" && url !== "") ? named : undefined;
  },
  format: (value) => value.map(({ name, url }) => `${name}=${redactUrl(url)}`).join(" "),
  inFile: namedUrlsForm(PLACEMENT_NAME, DATABASE_URL),
  holdsSecret: (value) => value.some(({ url }) => hasPassword(url)),
};

const CERTIFICATE_TENANT = /^(?:DNS|URI):[^{}]*\{tenant\}[^{}]*$/;

/** A subject alternative name with one {tenant} in it. */
export const certificateTenant: Kind<string> = {
  placeholder: "PATTERN",
  allowed: "DNS: or URI: and a name with {tenant} in it once, such as DNS:{tenant}.clients.example.org",
  parse: (value) => (CERTIFICATE_TENANT.test(value) ? value : undefined),
  format: (value) => value,
  inFile: textForm(CERTIFICATE_TENANT),
};
