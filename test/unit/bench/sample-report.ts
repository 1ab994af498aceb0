import type { Report } from "../../../bench/report.ts";

const at = (median: number) => ({ min: median * 0.9, median, max: median * 1.2 });

/** A small report with everything in it that a report can have. None of its figures was measured. */
export const SAMPLE: Report = {
  machine: {
    cpu: "Imaginary 9000",
    cores: 2,
    memoryGiB: 24,
    platform: "linux x64",
    kernel: "6.1.0",
    loadAtStart: "0.10, 0.20, 0.30",
    loadAtEnd: "2.10, 1.20, 0.50",
    fdatasyncMs: 0.25,
    node: "v24.12.0",
    postgres: "18.4",
    postgresSettings: "fsync on, synchronous_commit on",
    commit: "0123456 with changes",
  },
  startedAt: "2026-11-22T03:04:05.678Z",
  seconds: 285,
  rounds: 5,
  full: false,
  sections: [
    {
      id: "pairs",
      title: "Fresh claim and completion",
      how: "A closed loop: each caller claims a new key, completes it, and begins again.",
      figures: [
        { id: "unary-64-rate", what: "unary calls, 64 callers", unit: "pairs/s", spread: at(4_321) },
        { id: "session-64-rate", what: "session, 64 callers", unit: "pairs/s", spread: at(9_876.54) },
      ],
      charts: [
        {
          id: "pairs-rate",
          title: "Pairs a second",
          kind: "lines",
          unit: "pairs/s",
          x: { label: "callers", values: [1, 16, 64, 256, 512] },
          series: [
            { name: "unary calls", values: [410, 2_600, 4_321, 4_900, null] },
            { name: "session", values: [480, 4_300, 9_876.54, 12_800, 13_500] },
            { name: "store only", values: [900, 7_000, 12_000, 15_000, null] },
          ],
        },
      ],
    },
    {
      id: "replay",
      title: "Replay & echo",
      how: "Claims of keys that have ended.",
      figures: [
        { id: "unary-rate", what: "unary calls", unit: "calls/s", spread: at(7_100) },
        {
          id: "unary-to-echo",
          what: "unary replay ÷ echo",
          unit: "×",
          spread: at(0.77),
          target: { atLeast: 0.8 },
        },
        {
          id: "session-to-unary",
          what: "session ÷ unary | calls",
          unit: "×",
          spread: at(2.9),
          target: { atLeast: 2.5 },
        },
      ],
    },
    {
      id: "peers",
      title: "What somebody would pick instead",
      how: "- **Restate** is a server.\n- **DBOS** is a library.",
      figures: [
        { id: "restate-unique-64-rate", what: "Restate: fresh keys", unit: "executions/s", spread: at(900) },
        { id: "restate-unique-256-rate", what: "Restate: fresh keys", unit: "executions/s", spread: at(1_200) },
        { id: "dbos-unique-64-rate", what: "DBOS: fresh ids", unit: "executions/s", spread: at(700) },
        { id: "restate-replay-64-rate", what: "Restate: replay", unit: "replays/s", spread: at(8_000) },
      ],
    },
    {
      id: "latency",
      title: "Latency at half of capacity",
      how: "An open loop.",
      figures: [{ id: "p99-to-p50", what: "p99 ÷ p50", unit: "×", spread: at(3.2), target: { atMost: 5 } }],
      charts: [
        {
          id: "queue-wait",
          title: "Queue wait <of batches> & claims",
          kind: "bars",
          unit: "% of the batches",
          x: { label: "ms", values: ["≤ 0.5", "≤ 1", "≤ 2", "≤ 5", "≤ 10", "≤ 25", "≤ 50", "> 50"] },
          series: [{ name: "queue wait", values: [31.2, 28, 22.5, 11, 5.1, 1.9, 0.3, 0] }],
        },
        {
          id: "both",
          title: "Two series, logarithmic",
          kind: "bars",
          unit: "per second",
          logarithmic: true,
          x: { label: "", values: ["Holdfast, unary", "Redis, one of two writes", "@adcp/sdk", "DBOS"] },
          series: [
            { name: "unique executions", values: [4_321, 26_700, 1_290, 661] },
            { name: "replays", values: [7_100, null, 7_600, 0] },
          ],
        },
      ],
    },
  ],
};
