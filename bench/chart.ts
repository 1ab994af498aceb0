import { type Axis, createAxis, place } from "./chart-axis.ts";
import type { Chart } from "./report.ts";

const WIDTH = 760;
const PLOT = { left: 76, right: 744, height: 236 } as const;
const LINE = 17;
/** Of a character in the chart's type, on average; a picture cannot ask the browser. */
const LETTER = 6.6;
/** More bars than that have no figures above them. */
const LABELLED_BARS = 24;

/** One colour for each series in turn; the second of each pair is for dark pages. All are told apart without red and green. */
const COLOURS = [
  ["#0b6bcb", "#58a6ff"],
  ["#d97706", "#f0a840"],
  ["#0f8a6d", "#3fc79a"],
  ["#b1479b", "#e58fd0"],
  ["#6b7280", "#a3aab5"],
  ["#c2410c", "#ff8f66"],
] as const;

/** The chart as a picture that stands alone: no scripts, no fonts of its own, the same bytes for the same chart. */
export function chartSvg(chart: Chart): string {
  const legend = chart.series.length > 1 ? legendOf(chart) : { height: 0, marks: "" };
  const top = 66 + legend.height;
  const labels = xLabels(chart);
  const bottom = top + PLOT.height;
  const height = bottom + 12 + LINE * (labels.lines + (chart.x.label === "" ? 0 : 1)) + 8;
  const axis = createAxis(values(chart), chart.logarithmic === true, chart.kind === "bars", { top, bottom });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(chart.title)}">`,
    `<style>${style()}</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}" rx="6"/>`,
    text(chart.title, { x: 16, y: 26, kind: "title" }),
    legend.marks,
    text(chart.logarithmic ? `${chart.unit}, logarithmic` : chart.unit, { x: 16, y: top - 18, kind: "faint" }),
    grid(axis),
    labels.marks(bottom),
    text(chart.x.label, { x: (PLOT.left + PLOT.right) / 2, y: height - 10, kind: "faint", anchor: "middle" }),
    chart.kind === "bars" ? bars(chart, axis) : lines(chart, axis),
    "</svg>",
  ]
    .filter((mark) => mark !== "")
    .join("\n")}\n`;
}

function values({ series }: Chart): readonly number[] {
  return series.flatMap((each) => each.values.filter((value) => value !== null && Number.isFinite(value)) as number[]);
}

function style(): string {
  const paint = (dark: 0 | 1) => COLOURS.map((pair, i) => `.s${i}{fill:${pair[dark]};stroke:${pair[dark]}}`).join("");
  return [
    "text{font:12px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1f2328}",
    ".title{font-size:15px;font-weight:600}.faint{fill:#59636e}.value{font-size:11px}",
    ".page{fill:#fff}.grid{stroke:#d1d9e0}.base{stroke:#59636e}",
    paint(0),
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.faint{fill:#9198a1}.page{fill:#0d1117}",
    `.grid{stroke:#30363d}.base{stroke:#9198a1}${paint(1)}}.line{fill:none;stroke-width:2}.bar{stroke:none}`,
  ].join("");
}

function legendOf({ series }: Chart): { readonly height: number; readonly marks: string } {
  let [x, row] = [16, 0];
  const marks = series.map(({ name }, i) => {
    const width = 34 + name.length * LETTER;
    if (x + width > WIDTH && x > 16) [x, row] = [16, row + 1];
    const y = 48 + row * LINE;
    const mark = `<rect class="bar ${colour(i)}" x="${x}" y="${y - 9}" width="10" height="10" rx="2"/>`;
    const entry = mark + text(name, { x: x + 16, y });
    x += width;
    return entry;
  });
  return { height: 6 + (row + 1) * LINE, marks: marks.join("\n") };
}

function grid({ ticks, at, format }: Axis): string {
  return ticks
    .map((tick, i) => {
      const line = `<line class="${i === 0 ? "base" : "grid"}" x1="${PLOT.left}" x2="${PLOT.right}" y1="${at(tick)}" y2="${at(tick)}"/>`;
      return line + text(format(tick), { x: PLOT.left - 8, y: at(tick) + 4, anchor: "end" });
    })
    .join("\n");
}

/** Where each x is, from the left, and how wide its place is. */
function places({ kind, x }: Chart): { readonly centre: (i: number) => number; readonly step: number } {
  const step = (PLOT.right - PLOT.left) / x.values.length;
  const inBand = (i: number) => PLOT.left + step * (i + 0.5);
  if (kind === "bars" || x.values.some((value) => typeof value === "string")) return { centre: inBand, step };
  const inset = 28;
  const [from, to] = [PLOT.left + inset, PLOT.right - inset];
  return { centre: (i) => place(x.values as readonly number[], i, from, to), step };
}

/** As many as have room, broken into lines at spaces. */
function xLabels(chart: Chart): { readonly lines: number; readonly marks: (bottom: number) => string } {
  const { centre, step } = places(chart);
  const texts = chart.x.values.map((value) => (typeof value === "number" ? value.toLocaleString("en") : value));
  const room = Math.max(4, Math.floor((step - 6) / LETTER));
  const broken = texts.map((each) => breakLines(each, room));
  let free = 0;
  const marks = (bottom: number) =>
    broken
      .flatMap((rows, i) => {
        const half = (Math.max(...rows.map((row) => row.length)) * LETTER) / 2;
        if (centre(i) - half < free) return [];
        free = centre(i) + half + 4;
        return rows.map((row, at) => text(row, { x: centre(i), y: bottom + 18 + at * LINE, anchor: "middle" }));
      })
      .join("\n");
  return { lines: Math.max(1, ...broken.map((rows) => rows.length)), marks };
}

function breakLines(words: string, room: number): readonly string[] {
  const rows: string[] = [];
  for (const word of words.split(" ")) {
    const last = rows.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room) rows[rows.length - 1] = `${last} ${word}`;
    else rows.push(word);
  }
  return rows;
}

function bars(chart: Chart, axis: Axis): string {
  const { centre, step } = places(chart);
  const width = Math.min(56, (step * 0.78) / chart.series.length);
  const labelled = chart.series.length * chart.x.values.length <= LABELLED_BARS;
  const floor = axis.at(chart.logarithmic ? (axis.ticks[0] ?? 1) : 0);
  const mark = (value: number, i: number, of: number) => {
    const left = round(centre(i) - (width * chart.series.length) / 2 + of * width);
    const [y, height] = [Math.min(axis.at(value), floor), round(Math.abs(floor - axis.at(value)))];
    const bar = `<rect class="bar ${colour(of)}" x="${left}" y="${y}" width="${round(width - 2)}" height="${height}"/>`;
    const label = () => text(short(value), { x: left + width / 2 - 1, y: y - 4, kind: "value", anchor: "middle" });
    return labelled ? bar + label() : bar;
  };
  return chart.series.flatMap(({ values }, of) => drawn(chart, values, (value, i) => mark(value, i, of))).join("\n");
}

function lines(chart: Chart, axis: Axis): string {
  const { centre } = places(chart);
  return chart.series
    .map(({ values }, of) => {
      let pen = "M";
      const path = chart.x.values.map((_, i) => {
        const value = values[i] ?? null;
        const step = isDrawn(chart, value) ? `${pen}${round(centre(i))} ${axis.at(value)}` : "";
        pen = step === "" ? "M" : "L";
        return step;
      });
      const dot = (value: number, i: number) =>
        `<circle class="${colour(of)}" cx="${round(centre(i))}" cy="${axis.at(value)}" r="${values.length > 40 ? 1.5 : 3}"/>`;
      return `<path class="line ${colour(of)}" d="${path.join("")}"/>\n${drawn(chart, values, dot).join("")}`;
    })
    .join("\n");
}

function drawn(
  chart: Chart,
  values: readonly (number | null)[],
  mark: (value: number, i: number) => string,
): readonly string[] {
  return values.flatMap((value, i) => (isDrawn(chart, value) ? [mark(value, i)] : []));
}

function isDrawn({ logarithmic }: Chart, value: number | null): value is number {
  return value !== null && Number.isFinite(value) && (!logarithmic || value > 0);
}

function colour(i: number): string {
  return `s${i % COLOURS.length}`;
}

interface Text {
  readonly x: number;
  readonly y: number;
  readonly kind?: "title" | "faint" | "value";
  readonly anchor?: "middle" | "end";
}

function text(content: string, { x, y, kind, anchor }: Text): string {
  if (content === "") return "";
  const attributes = [kind && ` class="${kind}"`, anchor && ` text-anchor="${anchor}"`].filter(Boolean).join("");
  return `<text x="${round(x)}" y="${round(y)}"${attributes}>${escaped(content)}</text>`;
}

function short(value: number): string {
  return value.toLocaleString("en", { maximumSignificantDigits: 3 });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
