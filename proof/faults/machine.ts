import { cpus, release, totalmem } from "node:os";
import type { Machine } from "./report.ts";

export function readMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    kernel: release(),
  };
}
