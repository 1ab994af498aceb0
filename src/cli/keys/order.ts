import type { Role } from "../../auth/authenticator.ts";
import type { AdminClient } from "../../client/admin.ts";
import type { Rpc } from "../../client/runtime.ts";
import type { Config } from "../../server/config.ts";
import type { CommandIo } from "../commands.ts";
import type { Failure } from "../failure.ts";
import type { GivenFlags, ValueFlag } from "../own-flags.ts";
import type { Invocation } from "./remedies.ts";

/** What a subcommand was given, and what it works with. */
export interface Order {
  readonly admin: AdminClient;
  readonly records: Rpc;
  readonly output: Config["output"];
  readonly timeoutMs: number;
  /** Empty strings for what was not given. */
  readonly name: { readonly tenant: string; readonly scope: string; readonly key: string };
  readonly flags: GivenFlags;
  readonly invocation: Invocation;
  readonly io: CommandIo;
  /** What failed, and what to do next. */
  readonly explain: (error: unknown) => Failure;
  /** Aborted when the command is to end before its time. */
  readonly signal: AbortSignal;
}

/** Resolves to the exit code; what a call throws is explained by whoever made the clients. */
export type Action = (order: Order) => Promise<number>;

export interface KeysSubcommand {
  readonly name: string;
  /** Whether it takes the key of a record. */
  readonly key: "none" | "required" | "optional";
  readonly summary: string;
  /** Of which the credential needs one. */
  readonly roles: readonly Role[];
  readonly flags: readonly ValueFlag<unknown>[];
  /** What is wrong with flags of which each by itself is allowed. */
  readonly problems: (flags: GivenFlags, hasKey: boolean) => readonly string[];
  readonly run: Action;
}
