import { expect, test } from "vitest";
import { type Finding, findingsOf } from "../../../../src/cli/doctor/finding.ts";
import { reportJson, reportText } from "../../../../src/cli/doctor/report.ts";
import { judgeMetrics } from "../../../../src/cli/doctor/server.ts";
import { VERSION } from "../../../../src/server/version.ts";

const FINE = findingsOf("audit").ok("It is empty.");
const section = (...findings: readonly Finding[]) => ({ name: "main", description: "postgres://db", findings });

test("what cannot wait comes first, and what to do stands under it", () => {
  const text = reportText([
    section(
      FINE,
      findingsOf("locks").warning("Somebody waits.", "Look who."),
      findingsOf("start").problem("It is a standby.", ""),
      findingsOf("transactions").skipped("Not seen."),
    ),
    { name: "server", description: "127.0.0.1:7401", findings: [] },
  ]);
  expect(text).toBe(
    [
      "main: postgres://db",
      "  problem  start         It is a standby.",
      "  warning  locks         Somebody waits.",
      "                         Look who.",
      "  skipped  transactions  Not seen.",
      "  ok       audit         It is empty.",
      "",
      "server: 127.0.0.1:7401",
      "",
      "1 problem and 1 warning. 1 could not be looked at.",
      "",
    ].join("\n"),
  );
});

test("when nothing is wrong it says so, and a name from the database moves no cursor", () => {
  const text = reportText([section(findingsOf("slots").ok("Slot \u001b[2J.\n"))]);
  expect(text).toMatch(/No problem was found\.\n$/);
  expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
});

test("JSON is one document, healthy when there is no problem", () => {
  expect(JSON.parse(reportJson([section(FINE, findingsOf("locks").warning("W.", "M."))]))).toEqual({
    healthy: true,
    findings: [
      { of: "main", check: "locks", level: "warning", sentence: "W.", mend: "M." },
      { of: "main", check: "audit", level: "ok", sentence: "It is empty.", mend: null },
    ],
  });
  expect(JSON.parse(reportJson([section(findingsOf("start").problem("P.", "M."))]))).toMatchObject({ healthy: false });
});

test("a server's metrics tell its certificate and its version", () => {
  expect(judgeMetrics("")).toEqual([]);
  expect(judgeMetrics(`holdfast_build_info{version="${VERSION}"} 1\n`)).toEqual([]);
  const page = 'holdfast_build_info{version="0.0.0-old"} 1\nholdfast_tls_certificate_not_after_seconds 1.5e+9\n';
  expect(judgeMetrics(page)).toEqual([
    expect.objectContaining({
      check: "certificate",
      level: "problem",
      sentence: expect.stringContaining("expired on 2017-07-14"),
    }),
    expect.objectContaining({ check: "version", level: "warning", sentence: expect.stringContaining("0.0.0-old") }),
  ]);
});
