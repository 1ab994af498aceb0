import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";

/** A file of the repository: its path from the root, with slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** What a file does that it must not; empty if nothing. */
export type Rule = (file: SourceFile) => readonly string[];

/** A file may import its own floor and those below. `client` stands beside. */
const FLOORS: Readonly<Record<string, number>> = {
  "main.ts": 4,
  cli: 4,
  server: 4,
  // Beside server/, of which it is to have nothing.
  embedded: 3.5,
  testing: 3.5,
  rpc: 3,
  operations: 2,
  store: 1,
  waiting: 1,
  tenants: 1,
  telemetry: 1,
  auth: 1,
  domain: 0,
  "clock.ts": 0,
  // Above the client's public names alone: see test/unit/middleware/imports.test.ts.
  middleware: 0,
};

/** What is published as a client, or calls servers. */
const USES_CLIENT = new Set(["main.ts", "cli", "embedded", "testing", "middleware"]);

/** Each package or folder with those that may import it. */
const IMPORTERS: readonly { readonly imported: RegExp; readonly allowed: RegExp; readonly who: string }[] = [
  { imported: /^pg(\/|$)/, allowed: /\/postgres\//, who: "a postgres/ folder" },
  { imported: /^prom-client(\/|$)/, allowed: /^src\/telemetry\/metrics\.ts$/, who: "telemetry/metrics.ts" },
  {
    imported: /^@opentelemetry\//,
    allowed: /^src\/(telemetry|client)\/tracing\.ts$/,
    who: "telemetry/tracing.ts and client/tracing.ts",
  },
  { imported: /^pino(\/|$)/, allowed: /^src\/telemetry\//, who: "telemetry/" },
  { imported: /^gen\//, allowed: /^src\/(rpc|client|server)\//, who: "rpc/, client/ and server/" },
  { imported: /^(node:)?process$/, allowed: /^src\/(main\.ts$|cli\/|server\/)/, who: "main.ts, cli/ and server/" },
  { imported: /^(node:)?timers(\/|$)/, allowed: /^src\/clock\.ts$/, who: "clock.ts" },
];

const LINES_MAX = 250;

/** The client is published on its own and imports nothing of the server, so it has a clock of its own. */
const CLOCKS = new Set(["src/clock.ts", "src/client/clock.ts"]);

const TIME =
  /\bDate\.now\b|\bnew\s+Date\s*(?:\(\s*\)|(?![\s(\w]))|(?<![\w.])(?:globalThis\.)?set(?:Timeout|Interval)\b|\bperformance\.now\b/g;

const SETTINGS = /\bprocess\.(?:env|argv)\b|\bprocess\[\s*["'](?:env|argv)["']\s*\]/g;

export const importsPointDown: Rule = ({ path, text }) => {
  const own = placeOf(path);
  if (own === null) return [];
  if (own !== "client" && FLOORS[own] === undefined) return [`${own} has no floor`];
  return importsOf(path, text).flatMap((imported) => {
    const target = placeOf(imported);
    if (target === null || target === own) return [];
    if (own === "client") return [`client/ imports ${imported}`];
    const floor = FLOORS[own] ?? 0;
    if (target === "client") return USES_CLIENT.has(own) ? [] : [`${own} imports ${imported}`];
    const below = FLOORS[target];
    if (below === undefined) return [`${imported} has no floor`];
    return below <= floor ? [] : [`floor ${floor} imports ${imported}, floor ${below}`];
  });
};

export const importersAreFew: Rule = ({ path, text }) =>
  importsOf(path, text).flatMap((imported) =>
    IMPORTERS.filter((rule) => rule.imported.test(imported) && !rule.allowed.test(path)).map(
      ({ who }) => `${imported} may be imported by ${who} only`,
    ),
  );

/** The vocabulary stands on node alone. */
export const theGroundStandsAlone: Rule = ({ path, text }) => {
  const place = placeOf(path);
  if (place === null || FLOORS[place] !== 0) return [];
  const foreign = importsOf(path, text).filter(
    (imported) => !imported.startsWith("node:") && placeOf(imported) === null,
  );
  return foreign.map((imported) => `floor 0 imports ${imported}`);
};

export const noBarrels: Rule = ({ path }) => (/(^|\/)index\.[cm]?[jt]s$/.test(path) ? ["an index file"] : []);

export const filesAreShort: Rule = ({ text }) => {
  const lines = text.trimEnd().split("\n").length;
  return lines > LINES_MAX ? [`${lines} lines`] : [];
};

export const timeIsReadInOnePlace: Rule = ({ path, text }) =>
  CLOCKS.has(path) ? [] : [...withoutComments(text).matchAll(TIME)].map(([found]) => `reads time: ${found}`);

export const settingsAreReadAtTheTop: Rule = ({ path, text }) =>
  /^src\/(main\.ts$|cli\/|server\/)/.test(path)
    ? []
    : [...withoutComments(text).matchAll(SETTINGS)].map(([found]) => `reads ${found}`);

/** What a file imports: packages by name, files by their path from the root. */
export function importsOf(path: string, text: string): readonly string[] {
  const found = withoutComments(text).matchAll(
    /(?:\b(?:import|export)\b[^"'`;()]*?\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(?:"([^"\n]+)"|'([^'\n]+)'|`([^`$\n]+)`)/g,
  );
  return [...found].map(([, double, single, template]) => {
    const specifier = double ?? single ?? template ?? "";
    return specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : specifier;
  });
}

/** Every TypeScript file below a folder of the repository. */
export function filesBelow(folder: string): readonly SourceFile[] {
  const root = new URL("../../", import.meta.url);
  return readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" })
    .map((path) => posix.join(folder, path.replaceAll("\\", "/")))
    .filter((path) => /\.[cm]?ts$/.test(path))
    .toSorted()
    .map((path) => ({ path, text: readFileSync(new URL(path, root), "utf8") }));
}

/** The folder or file right below src/; null for what lies elsewhere. */
function placeOf(path: string): string | null {
  return /^src\/([^/]+)/.exec(path)?.[1] ?? null;
}

/** Strings stay, so that what looks like a comment inside one does too. */
function withoutComments(text: string): string {
  return text.replaceAll(
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, string: string | undefined) => string ?? " ",
  );
}
