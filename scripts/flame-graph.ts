import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

const HELP = `Draws a profile of \`node --cpu-prof\` as a picture that needs no program to be read.

usage: node scripts/flame-graph.ts PROFILE.cpuprofile PICTURE.svg [--title TEXT] [--after MS] [--calls N]

  --title TEXT  what ran
  --after MS    leave out what came before: the start of the process (default 0)
  --calls N     calls in the rest; the figures are microseconds of one call then, and not shares of the time
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    title: { type: "string", default: "" },
    after: { type: "string", default: "0" },
    calls: { type: "string" },
    help: { type: "boolean" },
  },
});
const [input, output] = positionals;
if (values.help || input === undefined || output === undefined) {
  console.log(HELP);
  process.exit(values.help ? 0 : 64);
}

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Frame {
  readonly name: string;
  readonly url: string;
  micros: number;
  readonly below: Map<string, Frame>;
}

const WIDTH = 1200;
const ROW = 16;
/** A frame narrower than this is not drawn, nor what it called. */
const NARROWEST = 3;
const LETTER = 6.2;
const IDLE = "(idle)";

/** By where the code comes from; the first that fits. */
const ORIGINS = [
  { name: "Holdfast", color: "#f28e2b", fits: /\/(src|gen|bench)\/[^ ]*\.ts$/ },
  { name: "grpc-js", color: "#59a14f", fits: /@grpc\/grpc-js/ },
  { name: "protobuf", color: "#edc948", fits: /@bufbuild/ },
  { name: "pg", color: "#4e79a7", fits: /node_modules\/pg/ },
  { name: "other libraries", color: "#b07aa1", fits: /node_modules/ },
  { name: "Node", color: "#9c9c9c", fits: /^node:/ },
  { name: "V8 and the system", color: "#e15759", fits: /^/ },
] as const;

const root = treeOf(JSON.parse(readFileSync(input, "utf8")), Number(values.after));
writeFileSync(output, draw(root, values.title, values.calls === undefined ? null : Number(values.calls)));

/** Of the time in which the process worked. Sources differ in their paths alone: what is in a profile names no machine. */
function treeOf({ nodes, samples, timeDeltas }: Profile, afterMs: number): Frame {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const tree: Frame = { name: "all", url: "node:", micros: 0, below: new Map() };
  let passed = 0;
  for (const [i, id] of samples.entries()) {
    const micros = timeDeltas[i] ?? 0;
    passed += micros;
    if (passed < afterMs * 1000 || frames.get(id)?.functionName === IDLE) continue;
    const stack: number[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) stack.unshift(at);
    tree.micros += micros;
    stack.slice(1).reduce((above, at) => {
      const frame = childOf(above, frames.get(at));
      frame.micros += micros;
      return frame;
    }, tree);
  }
  return tree;
}

function childOf(above: Frame, call: Profile["nodes"][number]["callFrame"] | undefined): Frame {
  const { functionName = "", url = "", lineNumber = 0 } = call ?? {};
  const inner = url.replace(/^file:.*\/node_modules\//, "");
  const file = inner.replace(/^file:.*?\/(?=(?:src|bench|gen)\/)/, "");
  const name = `${functionName || "(anonymous)"}${file === "" ? "" : ` ${file}:${lineNumber + 1}`}`;
  const known = above.below.get(name);
  if (known !== undefined) return known;
  const frame = { name, url, micros: 0, below: new Map() };
  above.below.set(name, frame);
  return frame;
}

function draw(tree: Frame, title: string, calls: number | null): string {
  const boxes: string[] = [];
  let deepest = 0;
  const figure = (micros: number) =>
    calls === null ? `${((micros * 100) / tree.micros).toFixed(1)} %` : `${(micros / calls).toFixed(1)} µs`;
  const place = (frame: Frame, x: number, depth: number) => {
    const width = (frame.micros * WIDTH) / tree.micros;
    if (width < NARROWEST) return;
    deepest = Math.max(deepest, depth);
    const { color } = ORIGINS.find(({ fits }) => fits.test(frame.url)) ?? ORIGINS[0];
    const label = frame.name.slice(0, Math.max(0, Math.floor((width - 4) / LETTER)));
    const text =
      label.length < 4 ? "" : `<text x="${(x + 2).toFixed(1)}" y="${depth * ROW + 12}">${escaped(label)}</text>`;
    const box = `<rect x="${x.toFixed(1)}" y="${depth * ROW}" width="${width.toFixed(1)}" height="${ROW - 1}" fill="${color}"/>`;
    boxes.push(`<g><title>${escaped(frame.name)}: ${figure(frame.micros)}</title>${box}${text}</g>`);
    let at = x;
    for (const below of [...frame.below.values()].sort((a, b) => b.micros - a.micros)) {
      place(below, at, depth + 1);
      at += (below.micros * WIDTH) / tree.micros;
    }
  };
  place(tree, 0, 0);
  const legend = ORIGINS.map(
    ({ name, color }, i) =>
      `<rect x="${i * 150}" y="24" width="10" height="10" fill="${color}"/><text x="${i * 150 + 14}" y="33">${name}</text>`,
  );
  const height = (deepest + 1) * ROW + 44;
  const heading = escaped(
    `${title === "" ? "" : `${title}: `}${figure(tree.micros)} in all; callers above, callees below`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="10">
<rect width="${WIDTH}" height="${height}" fill="#fff"/><text x="0" y="14" font-size="13">${heading}</text>
${legend.join("")}
<g transform="translate(0 42)">
${boxes.join("\n")}
</g>
</svg>
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
