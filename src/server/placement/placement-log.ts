import type { Log } from "../../telemetry/log.ts";

/** A log whose every line names the placement. */
export function placementLog(log: Log, placement: string): Log {
  return {
    debug: (fields, message) => log.debug({ placement, ...fields }, message),
    info: (fields, message) => log.info({ placement, ...fields }, message),
    warn: (fields, message) => log.warn({ placement, ...fields }, message),
    error: (fields, message) => log.error({ placement, ...fields }, message),
    isLevelEnabled: (level) => log.isLevelEnabled(level),
  };
}
