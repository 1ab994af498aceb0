import type { Judged, NotRun, Report } from "../../../../proof/faults/report.ts";

export const HOLDS: Judged = {
  ...{ kind: "holds", id: "F01", fault: "kill -9 of a random server", seed: 7, times: 4, seconds: 20 },
  ...{ calls: 3676, unknownPercent: 12.5, keys: 105, porcupine: { ms: 361, violations: 0, undecided: 0 } },
  validators: {
    ...{ V1: { judged: 10, violations: 0 }, V2: { judged: 11, violations: 0 }, V3: { judged: 12, violations: 0 } },
    ...{ V4: { judged: 13, violations: 0 }, V5: { judged: 14, violations: 0 }, V6: { judged: 15, violations: 0 } },
    V7: { judged: 16, violations: 0 },
  },
  told: [],
  figures: [
    { name: "kills", value: 4, unit: "", must: { atLeast: 4 } },
    { name: "served again after", value: 623.57, unit: "ms", must: { atMost: 1000 } },
    { name: "failed on the others", value: 29, unit: "calls" },
  ],
  ...{ faults: [], kept: null },
  control: { kind: "fails", what: "mutant M14", why: "V7: 3 of 84 violate" },
};

export const VIOLATED: Judged = {
  ...HOLDS,
  ...{ kind: "violated", id: "F05", fault: "kill -9 of a backend", control: null, porcupine: null },
  validators: { ...HOLDS.validators, V7: { judged: 16, violations: 2 } },
  figures: [{ name: "crashes", value: 1, unit: "", must: { atLeast: 3 } }],
  faults: ["V7: 2 of 16 violate", "figure: crashes 1, and must be at least 3"],
  kept: "/kept/F05-1",
};

export const LEFT_OUT: NotRun = {
  ...{ kind: "left-out", id: "F23", fault: "all of it through a pooler", seed: 7 },
  why: "pgbouncer is not installed",
};

export const BROKEN: NotRun = { ...LEFT_OUT, kind: "broken", id: "F24", why: "Error: no port\n    at somewhere" };

export const REPORT: Report = {
  ...{ startedAt: "2026-01-02T03:04:05.678Z", seconds: 90, full: true, seed: 7 },
  versions: { commit: "0123456", node: "v24.12.0", postgres: "18.4", porcupine: "v1.3.1" },
  machine: { cpu: "Imaginary 9000", cores: 2, memoryGiB: 24, platform: "linux x64", kernel: "6.1.0" },
  rows: [HOLDS, VIOLATED, LEFT_OUT, BROKEN],
};
