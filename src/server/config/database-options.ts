import { choice, duration, file, text } from "./kinds.ts";
import { option } from "./option.ts";

/** How the database is reached. */
export const DATABASE_OPTIONS = {
  databaseWaitMs: option({
    name: "database-wait",
    kind: duration("0", "24h"),
    default: 5 * 60_000,
    doc: "How long a start waits for a database that does not answer, is still starting or has no connection left; /livez is 200 and /readyz 503 meanwhile. Anything that somebody has to mend, such as a password or a schema, ends the start at once. 0: do not wait.",
    commands: ["serve", "config"],
  }),
  databasePasswordFile: option<string | null>({
    name: "database-password-file",
    kind: file,
    default: null,
    defaultDoc: "none: the password in the address, if any",
    doc: "Holds the password for --database-url, and for every other database address without one. Read anew for each new connection, so it may change at any time. {placement} in it stands for the placement's name, main for --database-url.",
    commands: ["serve", "migrate", "config", "admin", "doctor", "audit"],
  }),
  databasePasswordCommand: option<string | null>({
    name: "database-password-command",
    kind: {
      ...text,
      placeholder: "COMMAND",
      allowed: "a command for /bin/sh",
      format: () => "***",
      holdsSecret: () => true,
    },
    default: null,
    defaultDoc: "none",
    doc: "The same as --database-password-file, but printed by a command within 10 s, such as one that makes IAM tokens. It is run when a connection is opened, once for those of the same 5 s, and finds PGHOST, PGPORT, PGUSER, PGDATABASE and HOLDFAST_PLACEMENT in its environment.",
    commands: ["serve", "migrate", "config", "admin", "doctor", "audit"],
  }),
  pooler: option<"auto" | "none" | "transaction">({
    name: "pooler",
    kind: choice("auto", "none", "transaction"),
    default: "auto",
    doc: "What stands before the databases. transaction: a pooler that lends a connection for one transaction; statements are sent without names then, the role must have Holdfast's settings, and without --listen-url those who wait poll. none: nothing, or a pooler in session mode. auto finds out at the start.",
    commands: ["serve", "config", "doctor"],
  }),
} as const;
