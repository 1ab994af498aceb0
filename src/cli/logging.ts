import type { Config } from "../server/config.ts";
import { createLog, type Log } from "../telemetry/log.ts";
import { textLines } from "../telemetry/text-lines.ts";
import type { CommandIo } from "./commands.ts";

export function isForPeople({ logFormat }: Config, io: CommandIo): boolean {
  return logFormat === "text" || (logFormat === "auto" && io.terminal);
}

export function commandLog(config: Config, io: CommandIo): Log {
  const destination = isForPeople(config, io) ? textLines(io.out) : { write: io.out };
  return createLog({ level: config.logLevel, destination });
}
