import type { Config } from "../server/config.ts";
import { createLog, type Log, type LogFields } from "../telemetry/log.ts";
import { textLines } from "../telemetry/text-lines.ts";
import type { CommandIo } from "./commands.ts";

export function isForPeople({ logFormat }: Config, io: CommandIo): boolean {
  return logFormat === "text" || (logFormat === "auto" && io.terminal);
}

/** On standard output, which is all that serve has to say; a command that prints something else there gives another. */
export function commandLog(config: Config, io: CommandIo, write = io.out, base?: LogFields): Log {
  const destination = isForPeople(config, io) ? textLines(write) : { write };
  return createLog({ level: config.logLevel, destination, ...(base && { base }) });
}
