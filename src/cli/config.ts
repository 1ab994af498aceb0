import { configText } from "../server/config/help.ts";
import type { CommandIo } from "./commands.ts";
import { readSettings } from "./settings.ts";

export async function config(args: readonly string[], io: CommandIo): Promise<number> {
  const about = "Prints the settings that serve would use, and where each comes from. Passwords are not printed.";
  const settings = readSettings({ command: "config", about, words: ["print"] }, args, io);
  if (settings.kind === "exit") return settings.code;
  io.out(`${configText(settings.config, settings.sources)}\n`);
  return 0;
}
