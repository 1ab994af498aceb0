import type { CounterSpec, GaugeSpec } from "./metric-spec.ts";

/** Of what keeps the process from taking on more than it can do; src/server/guards.ts. */
export const GUARDS = ["memory", "event-loop"] as const;
export type GuardName = (typeof GUARDS)[number];

export const SHEDDING = {
  kind: "gauge",
  name: "holdfast_shedding",
  unit: "1 or 0",
  help: "1 while this server acquires nothing new, because it has too little memory or too much to do.",
  advice: "1 for longer than a peak: start another server, or give this one more. Claims are refused with OVERLOADED.",
  labels: { guard: GUARDS },
  together: "max",
} as const satisfies GaugeSpec;

export const SHEDDING_BEGUN = {
  kind: "counter",
  name: "holdfast_shedding_begun_total",
  unit: "times",
  help: "How often it has begun to acquire nothing new.",
  advice: "Rises between two scrapes tell of what the gauge has missed.",
  labels: { guard: GUARDS },
} as const satisfies CounterSpec;

export const EVENT_LOOP_DELAY = {
  kind: "gauge",
  name: "holdfast_event_loop_delay_seconds",
  unit: "seconds",
  help: "How late the event loop was when it was last looked at, four times a second; absent with --max-event-loop-delay off.",
  advice: "Above `--max-event-loop-delay` twice in a row nothing new is acquired.",
  labels: {},
  together: "max",
} as const satisfies GaugeSpec;

export const MEMORY_USED = {
  kind: "gauge",
  name: "holdfast_memory_used_ratio",
  unit: "ratio",
  help: "Memory of this process over its limit, but no more than what is in use of it over half of the limit; or its heap over 90 % of what that may have, if that is more. Absent with --max-memory off.",
  advice: "Above 1 nothing new is acquired. Without a limit by `--max-memory` or the container, the heap alone counts.",
  labels: {},
  together: "max",
} as const satisfies GaugeSpec;
