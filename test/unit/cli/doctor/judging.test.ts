import { judgeAuditLog, judgeTriggers, NEWEST_LINES } from "../../../../src/cli/doctor/audit-log.ts";
import { judgeCertificate } from "../../../../src/cli/doctor/certificate.ts";
import { judgeClock, judgeConnection } from "../../../../src/cli/doctor/clocks.ts";
import { judgePlacements } from "../../../../src/cli/doctor/placements.ts";
import { judgeOpenRecords, judgeSweeping } from "../../../../src/cli/doctor/records.ts";
import { expectRows } from "./rows.ts";

const DAY_MS = 86_400_000;
const counted = (stuck: number, stuckMs: number, isCutShort = false) => ({
  open: 12,
  stuck: { "outcome-unknown": stuck, "lease-expired": 0, overdue: 0 },
  stuckMsMax: { "outcome-unknown": stuckMs, "lease-expired": 0, overdue: 0 },
  isCutShort,
});
const triggers = (...enabled: readonly (readonly [string, boolean])[]) =>
  enabled.map(([name, on]) => ({ name, enabled: on }));
const TRIGGERS = ["audit_chain", "audit_end", "audit_keep", "audit_keep_all"].map((name) => [name, true] as const);
const HEAD = { sequence: 5n, hash: new Uint8Array(32) };
const certificate = (days: number, validFromDays = -1) =>
  judgeCertificate("The certificate", (100 + validFromDays) * DAY_MS, (100 + days) * DAY_MS, 100 * DAY_MS);
const placements = (...given: Partial<Parameters<typeof judgePlacements>>) => {
  const [databases = [{ name: "main", identity: "m" }], known = [], tenants = [], named = ["main"]] = given;
  return judgePlacements(databases, known, tenants, named);
};

expectRows("what doctor makes of records, audit log, certificates, clocks and names", [
  ["nothing to sweep", judgeSweeping({ due: 0, seconds: 0 }), "ok"],
  ["a little to sweep", judgeSweeping({ due: 1, seconds: 599 }), "ok", "1 record past"],
  ["a sweeper that lags", judgeSweeping({ due: 30, seconds: 600 }), "warning", "30 records", "--sweep-interval"],
  ["nobody who sweeps", judgeSweeping({ due: 10_000, seconds: 7200 }), "problem", "10000 records or more", "2h"],

  ["no open record", judgeOpenRecords({ ...counted(0, 0), open: 0 }), "ok"],
  ["open records", judgeOpenRecords(counted(0, 0)), "ok", "Of 12 open records none"],
  [
    "stuck records",
    judgeOpenRecords(counted(3, 7_200_000, true)),
    "warning",
    "first 12",
    "3 of unknown outcome (longest 2h)",
    "holdfast keys list --stuck",
  ],

  ["an empty log", judgeAuditLog({ broken: null, lines: 0, head: HEAD }), "ok", "empty"],
  ["a whole log", judgeAuditLog({ broken: null, lines: 5, head: HEAD }), "ok", "Its 5 lines", "Head: 5:0000"],
  ["a long whole log", judgeAuditLog({ broken: null, lines: NEWEST_LINES, head: HEAD }), "ok", "newest 50000 lines"],
  [
    "a broken log",
    judgeAuditLog({ broken: { kind: "key", sequence: 6n }, lines: 5, head: HEAD }),
    "problem",
    "line 6",
    "backup",
  ],
  ["all triggers", judgeTriggers(triggers(...TRIGGERS, ["record_history", true])), "ok"],
  [
    "a trigger that is off",
    judgeTriggers(triggers(...TRIGGERS, ["record_history", false])),
    "problem",
    "disabled: record_history",
  ],
  ["a trigger that is gone", judgeTriggers(triggers(...TRIGGERS.slice(1))), "problem", "gone: audit_chain"],

  ["a certificate for long", certificate(30), "ok", "30 days"],
  ["a certificate for two weeks", certificate(14), "warning", "14 days", "Renew"],
  ["a certificate for a day", certificate(1.5), "problem", "36 hours"],
  ["a certificate that has expired", certificate(-1), "problem", "expired on 1970-04-10 00:00Z"],
  ["a certificate of tomorrow", certificate(9, 1), "problem", "not valid yet"],

  ["a near database", judgeConnection(19), "ok", "within 19 ms"],
  ["a far database", judgeConnection(20), "warning", "next to their database"],
  ["a clock that agrees", judgeClock({ name: "main", ms: 4999, roundTripMs: 1 }, []), "ok"],
  ["a clock that may agree", judgeClock({ name: "main", ms: 5500, roundTripMs: 600 }, []), "ok"],
  ["a clock ahead", judgeClock({ name: "main", ms: 6000, roundTripMs: 1 }, []), "warning", "6 s ahead of"],
  [
    "a clock behind another",
    judgeClock({ name: "eu", ms: -4000, roundTripMs: 1 }, [{ name: "main", ms: 4000, roundTripMs: 1 }]),
    "warning",
    "8 s behind that of main",
  ],

  ["one database", placements(), "ok", "one database"],
  [
    "known databases",
    placements(
      [
        { name: "main", identity: "m" },
        { name: "eu", identity: "e" },
      ],
      [{ name: "eu", identity: "e" }],
      [{ name: "eu", tenants: 3 }],
      ["main", "eu"],
    ),
    "ok",
    "Each of the 2",
  ],
  ["a database that nobody has opened", placements([{ name: "eu", identity: "e" }], [], [], ["main", "eu"]), "ok"],
  [
    "another database under a known name",
    placements([{ name: "eu", identity: "x" }], [{ name: "eu", identity: "e" }]),
    "problem",
    "another database as eu",
  ],
  [
    "a known database under another name",
    placements([{ name: "us", identity: "e" }], [{ name: "eu", identity: "e" }]),
    "problem",
    "as eu, not as us",
  ],
  [
    "one database under two names",
    placements([
      { name: "main", identity: "m" },
      { name: "eu", identity: "m" },
    ]),
    "problem",
    "main and eu are one database",
  ],
  ["a database without identity", placements([{ name: "eu", identity: null }]), "problem", "lost its identity"],
  [
    "tenants on a placement that was not named",
    placements(undefined, [], [{ name: "eu", tenants: 2 }]),
    "warning",
    "2 tenants are on the placement eu",
    "--placements",
  ],
]);
