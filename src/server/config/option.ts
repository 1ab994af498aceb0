import type { Kind } from "./kinds.ts";

/** The environment, as the process was given it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Those that have settings. */
export const COMMANDS = [
  "serve",
  "migrate",
  "health",
  "config",
  "tenants",
  "apikeys",
  "admin",
  "keys",
  "wait",
  "doctor",
  "audit",
  "bench",
] as const;

export type Command = (typeof COMMANDS)[number];

export interface Option<Value> {
  /** The flag is `--name`, the variable HOLDFAST_NAME. */
  readonly name: string;
  readonly kind: Kind<NonNullable<Value>>;
  readonly default: Value | ((env: Environment) => Value);
  /** Where the default is not one printable value. */
  readonly defaultDoc?: string;
  /** One or two full sentences. */
  readonly doc: string;
  readonly commands: readonly Command[];
}

/** Fixes the type of an option's value, which may be null only if its default is. */
export function option<Value>(spec: Option<Value>): Option<Value> {
  return spec;
}

/** `--name (HOLDFAST_NAME)`, for messages. */
export function bothNames({ name }: { readonly name: string }): string {
  return `--${name} (${environmentName(name)})`;
}

export function environmentName(name: string): string {
  return `HOLDFAST_${name.toUpperCase().replaceAll("-", "_")}`;
}
