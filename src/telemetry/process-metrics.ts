import type { CounterSpec, GaugeSpec, MetricSpec } from "./metric-spec.ts";

/**
 * What prom-client tells of the process, for the page of docs; its own words are in the help of these. On Linux: others
 * have neither the counts of file descriptors nor `process_virtual_memory_bytes` and `process_heap_bytes`.
 */
export const PROCESS_METRICS: readonly MetricSpec[] = [
  total(
    "process_cpu_seconds_total",
    "CPU time of the process.",
    "1 a second is one core: this process uses little more.",
  ),
  total("process_cpu_user_seconds_total", "That part of it that was spent in the process.", ""),
  total("process_cpu_system_seconds_total", "That part of it that was spent in the kernel.", ""),
  gauge("process_start_time_seconds", "seconds since the Unix epoch", "When the process began.", "Changes: restarts."),
  gauge("process_resident_memory_bytes", "bytes", "Memory that the process has.", "Below the limit of its container."),
  gauge("process_virtual_memory_bytes", "bytes", "Addresses that the process has reserved.", "Says nothing by itself."),
  gauge("process_heap_bytes", "bytes", "Size of the data segment.", "Says nothing by itself."),
  gauge("process_open_fds", "descriptors", "File descriptors that are open.", "A few, and one for each connection."),
  gauge("process_max_fds", "descriptors", "How many it may open.", "Well above the open ones: `ulimit -n`."),
  lag("", "The event loop's delay, measured by the scrape itself."),
  lag("_min", "The least delay since the scrape before; measured every 10 ms, which is in all of these."),
  lag("_max", "The longest delay since the scrape before."),
  lag("_mean", "The mean delay since the scrape before."),
  lag("_stddev", "Its standard deviation."),
  lag("_p50", "Half of the delays since the scrape before were shorter."),
  lag("_p90", "90 % of them were."),
  lag("_p99", "99 % of them were."),
  gauge(
    "nodejs_active_resources",
    "resources",
    "What keeps the event loop alive, by type.",
    "Timers and sockets, mostly.",
    {
      type: "a type of Node",
    },
  ),
  gauge("nodejs_active_handles", "handles", "libuv's handles, by type.", "Sockets, mostly.", {
    type: "a class of Node",
  }),
  gauge("nodejs_active_requests", "requests", "libuv's requests, by type.", "File reads, mostly.", {
    type: "a class of Node",
  }),
  gauge("nodejs_heap_size_total_bytes", "bytes", "The JavaScript heap.", "See the used part."),
  gauge("nodejs_heap_size_used_bytes", "bytes", "What is used of it.", "Rising without end: a leak. Report it."),
  gauge("nodejs_external_memory_bytes", "bytes", "Buffers outside of the heap.", "Bodies of calls under way, mostly."),
  space("total", "The heap, by space."),
  space("used", "What is used of it."),
  space("available", "What is free of it."),
  gauge("nodejs_version_info", "1", "The version of Node.", "", {
    version: "such as `v24.12.0`",
    major: "",
    minor: "",
    patch: "",
  }),
  {
    kind: "histogram",
    name: "nodejs_gc_duration_seconds",
    unit: "seconds",
    help: "Collections of garbage, by kind.",
    advice: "major ones of 100 ms and more: the heap is nearly full.",
    labels: { kind: ["major", "minor", "incremental", "weakcb"] },
  },
];

function total(name: string, help: string, advice: string): CounterSpec {
  return { kind: "counter", name, unit: "seconds", help, advice, labels: {} };
}

function gauge(name: string, unit: string, help: string, advice: string, labels: GaugeSpec["labels"] = {}): GaugeSpec {
  return { kind: "gauge", name, unit, help, advice, labels };
}

function lag(part: string, help: string): GaugeSpec {
  const advice = part === "_p99" ? "Above 100 ms everything waits: too much load, or one huge answer." : "";
  return gauge(`nodejs_eventloop_lag${part}_seconds`, "seconds", help, advice);
}

function space(part: string, help: string): GaugeSpec {
  return gauge(`nodejs_heap_space_size_${part}_bytes`, "bytes", help, "", { space: "a space of V8" });
}
