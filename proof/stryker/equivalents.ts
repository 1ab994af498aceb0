/** Changes after which the program does what it did before: there is nothing that a test could notice. */
export interface Equivalent {
  readonly file: string;
  /** In which they begin, without what indents it. */
  readonly line: string;
  /** As main.ts prints them. Each of them has to survive, or it is an error. */
  readonly changes: readonly string[];
  readonly why: string;
}

const EQUAL = "where both are equal, either is right";

export const EQUIVALENTS: readonly Equivalent[] = [
  {
    file: "src/domain/audit.ts",
    line: "return isExpectedSeen || expected === null ? null : gone(expected.sequence, last);",
    changes: ["expected === null  =>  false"],
    why: "where nothing was kept elsewhere it counts as seen from the beginning; it is asked for the type's sake",
  },
  {
    file: "src/domain/history.ts",
    line: 'const wasReconciling = before.state === "in-progress" && before.suspect !== null;',
    changes: ['before.state === "in-progress"  =>  true'],
    why: "it is asked of releases alone, and only what is in progress can be released",
  },
  {
    file: "src/domain/history.ts",
    line: 'error: kind === "resolved" && after.state === "failed" ? after.outcome : null,',
    changes: ['kind === "resolved"  =>  true'],
    why: "of an operator's changes only a verdict leaves a record failed",
  },
  {
    file: "src/domain/history.ts",
    line: 'const isRelease = after.state === "available" && before.state === "in-progress";',
    changes: ['after.state === "available"  =>  true'],
    why: "a verdict needs an unknown outcome: under HOLD or with a suspect, and both are asked for beside it",
  },
  {
    file: "src/domain/record.ts",
    line: "for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;",
    changes: ["i < a.length  =>  i <= a.length"],
    why: "behind their ends, which are the same, both are undefined",
  },
  {
    file: "src/domain/reducer/claim.ts",
    line: "const highest = byRecord > byFloor ? byRecord : byFloor;",
    changes: ["byRecord > byFloor  =>  byRecord >= byFloor"],
    why: EQUAL,
  },
  {
    file: "src/domain/reducer/claim.ts",
    line: "return highest > byClock ? highest : byClock;",
    changes: ["highest > byClock  =>  highest >= byClock"],
    why: EQUAL,
  },
  {
    file: "src/domain/reducer/finish.ts",
    line: 'if (stored.state === "in-progress") throw new Error("bug: an attempt in progress has no end to repeat");',
    changes: [
      'stored.state === "in-progress"  =>  false',
      '"in-progress"  =>  ""',
      '"bug: an attempt in progress has no end to repeat"  =>  ""',
    ],
    why: "no record in progress comes so far: both callers have seen that it has ended or is available",
  },
  {
    file: "src/store/postgres/binary-array.ts",
    line: 'return array.write(text, at, "utf8");',
    changes: ['"utf8"  =>  ""'],
    why: "Node takes it for UTF-8",
  },
  {
    file: "src/store/postgres/claim-row.ts",
    line: 'if (failureOf(error) === "contended") return exhausted.map(() => null);',
    changes: ["() => null  =>  () => undefined"],
    why: "whoever reads it makes null of undefined, as of an end of the list",
  },
  {
    file: "src/store/postgres/packed-row.ts",
    line: "return micros > 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;",
    changes: ["micros > 0  =>  micros >= 0"],
    why: "zero has been answered one line above",
  },
];
