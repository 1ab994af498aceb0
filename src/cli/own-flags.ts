import type { Kind } from "../server/config/kinds.ts";
import type { FlagShape } from "./command-shape.ts";

/** A flag of one command, with how its value is read. */
export interface ValueFlag<Value> extends FlagShape {
  readonly kind: Kind<Value>;
}

/** What was given to each flag, see `readArguments`. */
export type GivenFlags = ReadonlyMap<string, readonly string[]>;

export function valueFlag<Value>(
  name: string,
  kind: Kind<Value>,
  doc: string,
  more: { readonly repeatable?: true; readonly placeholder?: string } = {},
): ValueFlag<Value> {
  return { name, kind, doc, placeholder: kind.placeholder, ...more };
}

/** One that takes no value: it is given, or it is not. */
export function bareFlag(name: string, doc: string): ValueFlag<boolean> {
  return { name, doc, placeholder: "", kind: GIVEN };
}

const GIVEN: Kind<boolean> = { placeholder: "", allowed: "", parse: () => true, format: String };

/** Any text, the empty one too. */
export const anyText: Kind<string> = {
  placeholder: "TEXT",
  allowed: "a text",
  parse: (given) => given,
  format: (value) => value,
};

/** 1 to `bytesMax` bytes. */
export function boundedText(placeholder: string, bytesMax: number): Kind<string> {
  return {
    ...anyText,
    placeholder,
    allowed: `a text of 1 to ${bytesMax} bytes`,
    parse: (given) => (given !== "" && Buffer.byteLength(given) <= bytesMax ? given : undefined),
  };
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Of a record, in milliseconds. */
export const age: Kind<number> = {
  placeholder: "TIME",
  allowed: "a time such as 90s, 10m, 12h or 7d",
  parse(given) {
    const [, count, unit = ""] = /^(\d{1,9})([smhd])$/.exec(given) ?? [];
    return count === undefined ? undefined : Number(count) * (UNIT_MS[unit] ?? 0);
  },
  format: (ms) => `${ms / 1000}s`,
};

/** The value of a flag that was given once; undefined: it was not. What is not allowed `wrongValues` has refused. */
export function readFlag<Value>(flags: GivenFlags, flag: ValueFlag<Value>): Value | undefined {
  return readFlags(flags, flag)[0];
}

export function readFlags<Value>(flags: GivenFlags, { name, kind }: ValueFlag<Value>): readonly Value[] {
  return (flags.get(name) ?? []).map((given) => {
    const value = kind.parse(given);
    if (value === undefined) throw new Error(`bug: --${name} was not checked`);
    return value;
  });
}

export function wrongValues(flags: GivenFlags, own: readonly ValueFlag<unknown>[]): readonly string[] {
  return own.flatMap(({ name, kind }) => {
    const isWrong = (flags.get(name) ?? []).some((given) => kind.parse(given) === undefined);
    return isWrong ? [`--${name} must be ${kind.allowed}`] : [];
  });
}

export function flagsHelp(own: readonly FlagShape[]): string {
  return own
    .map(({ name, placeholder, doc, repeatable }) => {
      const often = repeatable === true ? " May be given several times." : "";
      return `${`  --${name} ${placeholder}`.trimEnd()}\n      ${doc}${often}`;
    })
    .join("\n");
}

/** Before a "--", behind which nothing is a flag. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).some((arg) => arg === "--help" || arg === "-h");
}
