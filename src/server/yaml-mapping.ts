import { type Document, isAlias, isMap, isNode, isScalar, LineCounter, type Pair, parseDocument, visit } from "yaml";
import { fileProblem, readTextFile } from "./yaml-file.ts";

/** One `name: value` of a file. */
export interface YamlEntry {
  readonly name: string;
  readonly line: number;
  /** Plain objects, lists and scalars. */
  readonly value: unknown;
}

/** What is wrong, at a line; 0: with the file as a whole. */
export interface YamlProblem {
  readonly line: number;
  readonly sentence: string;
}

export interface YamlMapping {
  readonly entries: readonly YamlEntry[];
  /** None of them repeats anything that is in the file: it may hold passwords. */
  readonly problems: readonly YamlProblem[];
  /** False: it may say more than its entries do. */
  readonly isWhole: boolean;
}

const PROBLEMS_MAX = 20;

/**
 * Reads a file of names and values, YAML 1.2 or JSON. It takes no anchors and aliases: nothing that is said once in a
 * line or two needs them, and what they lead to could be of any size.
 */
export async function readYamlMapping(path: string, bytesMax: number): Promise<YamlMapping> {
  let text: string;
  try {
    text = await readTextFile(path, bytesMax);
  } catch (error) {
    return broken([{ line: 0, sentence: fileProblem(error) }]);
  }
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof RangeError) return broken([{ line: 0, sentence: "it is nested too deeply" }]);
    throw error;
  }
}

function parse(text: string): YamlMapping {
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, stringKeys: true, uniqueKeys: false } as const;
  const document = parseDocument(text, { ...options, logLevel: "error" });
  const lineOf = (offset: number | undefined) => lines.linePos(offset ?? 0).line;
  // The parser's own sentences quote the file.
  const wrong = [...document.errors, ...document.warnings].map(({ code, pos: [at] }) => ({
    line: lineOf(at),
    sentence: SENTENCES[code] ?? NOT_YAML,
  }));
  if (wrong.length > 0) return broken(wrong);
  const references = referencesIn(document).map((at) => ({ line: lineOf(at), sentence: NO_REFERENCES }));
  if (references.length > 0) return broken(references);
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null))
    return { entries: [], problems: [], isWhole: true };
  if (!isMap(contents)) return broken([{ line: lineOf(contents.range?.[0]), sentence: NOT_A_MAPPING }]);
  const lineOfPair = ({ key }: Pair) => lineOf(isScalar(key) ? key.range?.[0] : 0);
  const entries = contents.items.map((pair) => ({
    name: String(isScalar(pair.key) ? pair.key.value : ""),
    line: lineOfPair(pair),
    value: plainValue(document, pair),
  }));
  return { entries, problems: namedTwice(contents.items, lineOfPair), isWhole: true };
}

const NOT_YAML =
  "this is not YAML: what begins with a sign such as [ or @, or has a colon or # and a space in it, belongs in quotes";

const NO_REFERENCES = "anchors (&) and aliases (*) are not taken, and a value that begins so belongs in quotes";

const NOT_A_MAPPING = "a file holds settings, one in a line, such as log-level: info";

const SENTENCES: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "lines are indented with spaces, not with tabs",
  MULTIPLE_DOCS: "it holds more than one document",
  TAG_RESOLVE_FAILED: "what begins with ! belongs in quotes",
  NON_STRING_KEY: "names are text",
  RESOURCE_EXHAUSTION: "it is nested too deeply",
};

/** What goes wrong in one line may go wrong there many times. */
function broken(problems: readonly YamlProblem[]): YamlMapping {
  const distinct = new Map(problems.map((problem) => [`${problem.line} ${problem.sentence}`, problem]));
  return { entries: [], problems: [...distinct.values()].slice(0, PROBLEMS_MAX), isWhole: false };
}

/** Where anchors and aliases are. */
function referencesIn(document: Document): readonly (number | undefined)[] {
  const found: (number | undefined)[] = [];
  visit(document, {
    Node(_, node) {
      if (isAlias(node) || node.anchor !== undefined) found.push(node.range?.[0]);
    },
  });
  return found;
}

function plainValue(document: Document, { value }: Pair): unknown {
  return isNode(value) ? value.toJS(document) : null;
}

/** On both levels that there are. Not by the parser, which compares each name with all before it. */
function namedTwice(items: readonly Pair[], lineOf: (pair: Pair) => number): YamlProblem[] {
  const problems: YamlProblem[] = [];
  const first = new Map<string, number>();
  for (const pair of items) {
    const name = String(isScalar(pair.key) ? pair.key.value : "");
    const line = lineOf(pair);
    const before = first.get(name);
    if (before === undefined) first.set(name, line);
    else problems.push({ line, sentence: `the same name is on line ${before} already` });
    if (isMap(pair.value)) problems.push(...namedTwice(pair.value.items, lineOf));
  }
  return problems.slice(0, PROBLEMS_MAX);
}
