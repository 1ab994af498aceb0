export const SEVERITIES = ["info", "low", "moderate", "high", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What is known against one package, and where that package lies. */
export interface Advisory {
  /** GHSA-…, or npm's own number where there is none. */
  readonly id: string;
  readonly package: string;
  readonly severity: Severity;
  readonly title: string;
  /** Of the versions that it is about. */
  readonly range: string;
  /** "node_modules/minimist" */
  readonly places: readonly string[];
}

export type Answer =
  | { readonly kind: "report"; readonly advisories: readonly Advisory[] }
  /** The registry, or the way to it, has no answer: nothing is known, neither good nor bad. */
  | { readonly kind: "unreached"; readonly why: string }
  /** Asking was wrong: without a lock file, say. */
  | { readonly kind: "unusable"; readonly why: string };

/** As npm 10 and 11 write it; test/unit/scripts/audit has some. */
interface Written {
  readonly auditReportVersion?: unknown;
  readonly vulnerabilities?: Readonly<Record<string, Vulnerability>>;
  readonly message?: unknown;
  readonly error?: { readonly code?: string; readonly summary?: string };
}

interface Vulnerability {
  readonly name: string;
  /** A text is another package in this report, by which this one is affected too. */
  readonly via: readonly (string | Via)[];
  readonly nodes: readonly string[];
}

interface Via {
  readonly source: number;
  readonly title: string;
  readonly url?: string;
  readonly severity: Severity;
  readonly range: string;
}

const GHSA = /GHSA(?:-[0-9a-z]{4}){3}$/;

/** Reads what `npm audit --json` prints. Its exit code tells nothing: 1 is a finding, a registry without answer, and a mistake. */
export function readAnswer(printed: string): Answer {
  const written = parse(printed);
  if (written?.auditReportVersion === 2 && written.vulnerabilities !== undefined) {
    return { kind: "report", advisories: Object.values(written.vulnerabilities).flatMap(advisoriesOf) };
  }
  if (written?.auditReportVersion !== undefined) {
    return {
      kind: "unusable",
      why: `its report is of version ${written.auditReportVersion}, and only 2 is understood`,
    };
  }
  if (written?.error?.code) {
    return { kind: "unusable", why: `${written.error.code}: ${written.error.summary ?? ""}`.trim() };
  }
  if (typeof written?.message === "string") return { kind: "unreached", why: written.message };
  return { kind: "unusable", why: `it printed no JSON that is understood: ${JSON.stringify(printed.slice(0, 200))}` };
}

function parse(printed: string): Written | undefined {
  try {
    return JSON.parse(printed) as Written;
  } catch {
    return undefined;
  }
}

function advisoriesOf({ name, via, nodes }: Vulnerability): readonly Advisory[] {
  return via
    .filter((one) => typeof one !== "string")
    .map(({ source, title, url = "", severity, range }) => ({
      id: GHSA.exec(url)?.[0] ?? `npm-${source}`,
      ...{ package: name, severity, title, range, places: nodes },
    }));
}
