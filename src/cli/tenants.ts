import { optionsHelp } from "../server/config/help.ts";
import { nearest } from "../server/config/hint.ts";
import { withAdmin } from "./admin-client.ts";
import { readArguments } from "./arguments.ts";
import { type CommandShape, NO_SHAPE } from "./command-shape.ts";
import type { CommandIo } from "./commands.ts";
import type { NextSteps } from "./failure.ts";
import { readSettings } from "./settings.ts";
import * as actions from "./tenants/actions.ts";
import { type Flag, REGISTRATION_FLAGS } from "./tenants/flags.ts";
import { changesOf, contradictionsOf } from "./tenants/registration.ts";
import { helpPage } from "./wrap.ts";

interface Subcommand {
  readonly name: string;
  /** Whether it takes the id of a tenant. "file": a file may name it instead. */
  readonly id: "none" | "required" | "file";
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** What was given says a registration, or a part of it. */
  readonly registers: boolean;
  readonly run: actions.Action;
}

const REASON: Flag = { name: "reason", placeholder: "TEXT", doc: "Why, for the audit log." };
const FILE: Flag = {
  name: "file",
  placeholder: "FILE",
  doc: "The whole registration in YAML or JSON, as in a tenants file, instead of the flags below.",
};
const AWAIT: Flag = {
  name: "await-first-validation",
  placeholder: "",
  doc: "Answer when the validator has said something, instead of at once.",
};

const SUBCOMMANDS: readonly Subcommand[] = [
  of("list", "none", "All tenants, by id.", actions.list),
  of("get", "required", "Everything of one tenant.", actions.get),
  {
    ...of("register", "file", "Register a tenant.", actions.register),
    flags: [FILE, AWAIT, REASON, ...REGISTRATION_FLAGS.filter(({ clears }) => clears !== true)],
    registers: true,
  },
  {
    ...of("update", "required", "Change what is given of a tenant's registration, and keep the rest.", actions.update),
    flags: [FILE, REASON, ...REGISTRATION_FLAGS],
    registers: true,
  },
  of("unregister", "required", "Forget a tenant and its API keys; its records stay.", actions.unregister, [REASON]),
  of("recheck", "required", "Build and validate a tenant now.", actions.recheck),
  of("drain", "required", "Keep a tenant from acquiring; what is held may finish.", actions.drain, [REASON]),
  of("resume", "required", "Let a drained tenant acquire again.", actions.resume, [REASON]),
];

const ABOUT = "Looks after the tenants of a running server.";

export function tenantsShape(): CommandShape {
  const subcommands = SUBCOMMANDS.map(({ name, id, summary, flags }) => {
    return { name, operand: { none: "", required: "ID", file: "[ID]" }[id], summary, flags };
  });
  return { ...NO_SHAPE, settings: "tenants", about: ABOUT, subcommands };
}

function of(
  name: string,
  id: Subcommand["id"],
  summary: string,
  run: actions.Action,
  flags: readonly Flag[] = [],
): Subcommand {
  return { name, id, summary, run, flags, registers: false };
}

export async function tenants(args: readonly string[], io: CommandIo): Promise<number> {
  const [given, ...rest] = args;
  if (given === "--help" || given === "-h") {
    io.out(helpPage(overview()));
    return 0;
  }
  const subcommand = SUBCOMMANDS.find(({ name }) => name === given);
  if (subcommand === undefined) {
    io.error(given === undefined ? helpPage(overview()) : `holdfast: ${unknownSubcommand(given)}\n`);
    return 2;
  }
  if (rest.includes("--help") || rest.includes("-h")) {
    io.out(helpPage(helpOn(subcommand)));
    return 0;
  }
  const { name, run } = subcommand;
  const { words, flags, settings: own, problems } = readArguments("tenants", name, subcommand.flags, rest);
  const wrong = [...problems, ...wrongWords(subcommand, words, flags), ...wrongFlags(subcommand, flags)];
  if (wrong.length > 0) {
    io.error(wrong.map((problem) => `holdfast: ${problem}\n`).join(""));
    return 2;
  }
  const settings = await readSettings({ command: "tenants", about: "" }, own, io);
  if (settings.kind === "exit") return settings.code;
  const { config } = settings;
  const [id = ""] = words;
  return withAdmin(config, io, (admin) => run(admin, { config, id, flags, io }), nextSteps(subcommand, id));
}

function wrongWords(
  { name, id }: Subcommand,
  words: readonly string[],
  flags: ReadonlyMap<string, unknown>,
): readonly string[] {
  const most = id === "none" ? 0 : 1;
  const more = words.slice(most).map((word) => `"holdfast tenants ${name}" does not take ${JSON.stringify(word)}`);
  const missing = words.length === 0 && (id === "required" || (id === "file" && !flags.has("file")));
  return missing ? [`"holdfast tenants ${name}" needs the id of a tenant${id === "file" ? ", or --file" : ""}`] : more;
}

function wrongFlags({ name, registers }: Subcommand, flags: ReadonlyMap<string, readonly string[]>): readonly string[] {
  if (!registers) return [];
  const changes = changesOf(flags);
  if (flags.has("file") && changes !== undefined) {
    return ["--file is the whole registration: it does not go together with flags that say a part of it"];
  }
  if (name === "update" && !flags.has("file") && changes === undefined) {
    return [`"holdfast tenants update" needs something to change; see "holdfast tenants update --help"`];
  }
  const changed = changes?.({});
  return [...contradictionsOf(flags), ...(Array.isArray(changed) ? (changed as readonly string[]) : [])];
}

function nextSteps({ id: takes }: Subcommand, id: string): NextSteps {
  const step = '"holdfast tenants list" shows those that there are';
  // Of a tenant that is not there the server says what it says of one that is not the caller's.
  const unseen = {
    TENANT_NOT_FOUND: { sentence: "there is no such tenant", step },
    TENANT_FORBIDDEN: { sentence: "there is no such tenant, or this caller may not see it", step },
  };
  return {
    ...(takes === "required" && unseen),
    TENANT_EXISTS: `"holdfast tenants update ${id || "ID"}" changes it`,
    TENANT_CHANGED: "somebody else has changed it meanwhile: look at it and try again",
  };
}

/** As other programs call it. */
const ALIASES: Readonly<Record<string, string>> = {
  ...{ ls: "list", show: "get", describe: "get", create: "register", add: "register" },
  ...{ set: "update", delete: "unregister", rm: "unregister" },
};

function unknownSubcommand(given: string): string {
  const names = SUBCOMMANDS.map(({ name }) => name);
  const near = ALIASES[given] ?? nearest(given, names);
  const hint = near === undefined ? `there are ${names.join(", ")}` : `did you mean "${near}"?`;
  return `unknown command ${JSON.stringify(`holdfast tenants ${given}`)}: ${hint}`;
}

function usage({ name, id }: Subcommand): string {
  return { none: name, required: `${name} ID`, file: `${name} [ID]` }[id];
}

function overview(): string {
  const widest = Math.max(...SUBCOMMANDS.map((subcommand) => usage(subcommand).length));
  const lines = SUBCOMMANDS.map((subcommand) => `  ${usage(subcommand).padEnd(widest)}  ${subcommand.summary}`);
  return [
    "Usage: holdfast tenants COMMAND [OPTIONS]",
    "",
    ABOUT,
    "",
    ...lines,
    "",
    '"holdfast tenants COMMAND --help" prints the options of a command.',
    "",
  ].join("\n");
}

function helpOn(subcommand: Subcommand): string {
  const flags = subcommand.flags.map(({ name, placeholder, doc, repeatable }) => {
    const replaces = subcommand.name === "update" ? " What is given replaces all that there are." : "";
    const often = repeatable === true ? ` May be given several times.${replaces}` : "";
    return `${`  --${name} ${placeholder}`.trimEnd()}\n      ${doc}${often}`;
  });
  const parts = [`Usage: holdfast tenants ${usage(subcommand)} [OPTIONS]`, subcommand.summary, ...[flags.join("\n")]];
  return `${[...parts, optionsHelp("tenants")].filter((part) => part !== "").join("\n\n")}\n`;
}
