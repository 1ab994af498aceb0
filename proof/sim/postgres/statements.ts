import { claim, reclaim, reconcile } from "./claims.ts";
import { finish, heartbeat, settle, watch } from "./ends.ts";
import { abandon, empty, forget, lapsed, purge } from "./housekeeping.ts";
import { lockHead, peek, release, reset, resolve, serverTime } from "./reads.ts";
import type { Run } from "./running.ts";

/** The statements of the store, by the names of their files. */
export const STATEMENTS: Readonly<Record<string, Run>> = {
  claim,
  reclaim,
  reconcile,
  heartbeat,
  finish,
  watch,
  settle,
  peek,
  "server-time": serverTime,
  forget,
  empty,
  lapsed,
  abandon,
  release,
  resolve,
  reset,
  purge,
  "audit/lock-head": lockHead,
};

/** They change nothing that is stored: a full disk is no matter to them. */
export const READS: ReadonlySet<string> = new Set([
  ...["peek", "server-time", "lapsed", "notify", "holdfast_listen", "holdfast_identity", "holdfast_cluster"],
  ...["begin", "commit", "rollback"],
]);
