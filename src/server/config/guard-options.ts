import { duration } from "./kinds.ts";
import { memory, orOff } from "./memory-kind.ts";
import { option } from "./option.ts";

/** When the process takes on no new work. */
export const GUARD_OPTIONS = {
  maxMemoryBytes: option<number | null>({
    name: "max-memory",
    kind: orOff(memory),
    default: null,
    defaultDoc: "85 % of what the container may have, where there is such a limit",
    doc: "While this process has more memory and more than half of it is in use, or its JavaScript heap is nearly full, nothing new is acquired: claims are refused with OVERLOADED, and what is held may still end. An embedded Postgres is not counted. Workers share it evenly, and none may have less than 192MiB. off: neither is looked at.",
    commands: ["serve", "config"],
  }),
  maxEventLoopDelayMs: option({
    name: "max-event-loop-delay",
    kind: orOff(duration("10ms", "1m")),
    default: 2000,
    doc: "The same while everything this process does begins so much too late: it has more to do than one processor can.",
    commands: ["serve", "config"],
  }),
} as const;
