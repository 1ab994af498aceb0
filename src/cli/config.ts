import { checkFiles } from "../server/check-files.ts";
import { readFlags } from "../server/config/flags.ts";
import { configJson, configText } from "../server/config/help.ts";
import { readConfigAndFile } from "../server/config/read.ts";
import { configSchema } from "../server/config/schema.ts";
import { configWarnings } from "../server/config/warnings.ts";
import type { CommandIo } from "./commands.ts";
import { EXIT } from "./exit-codes.ts";
import { type CommandUsage, printProblems, problemsOf, readSettings } from "./settings.ts";
import { jsonText } from "./table.ts";

export const CONFIG: CommandUsage = {
  command: "config",
  about:
    "print, or no word: the settings that serve would use, and where each comes from. Secrets are not printed.\n" +
    "check says everything that is wrong with them, and with the files they name, and exits with 2; with 0 if nothing is.\n" +
    "schema prints the JSON schema of configuration files.",
  words: ["print", "check", "schema"],
};

export async function config(args: readonly string[], io: CommandIo): Promise<number> {
  if (args.length === 1 && args[0] === "schema") return printSchema(io);
  const wantsHelp = args.includes("--help") || args.includes("-h");
  const [first] = readFlags("config", args).words;
  if (first === "check" && !wantsHelp) return await check(args, io);
  const settings = await readSettings(CONFIG, args, io);
  if (settings.kind === "exit") return settings.code;
  const { config: inForce, sources, word } = settings;
  if (word === "schema") return printSchema(io);
  io.out(inForce.output === "json" ? jsonText(configJson(inForce, sources)) : `${configText(inForce, sources)}\n`);
  return EXIT.done;
}

/** Needs no settings: whoever asks for it may have none that are right. */
function printSchema(io: CommandIo): number {
  io.out(jsonText(configSchema()));
  return EXIT.done;
}

/** Goes on where readSettings ends: files are looked at although other settings are wrong. */
async function check(args: readonly string[], io: CommandIo): Promise<number> {
  const { read, file } = await readConfigAndFile("config", args, io.env);
  const values = read.kind === "config" ? read.config : read.values;
  const files = await checkFiles(values, read.sources);
  const problems = [...problemsOf(read, CONFIG), ...files.problems];
  const warnings = [...configWarnings({ values, sources: read.sources, file }, io.env), ...files.warnings];
  if (values.output === "json") io.out(jsonText({ problems, warnings }));
  else {
    printProblems(problems, io);
    io.error(warnings.map((warning) => `holdfast: warning: ${warning}\n`).join(""));
    if (problems.length === 0) io.out("The settings can be used.\n");
  }
  return problems.length === 0 ? EXIT.done : EXIT.misunderstood;
}
