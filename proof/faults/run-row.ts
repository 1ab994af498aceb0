import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { checkHistory, type HistoryReport } from "../history/check.ts";
import { createRandom } from "../history/load/random.ts";
import { createRecorder, nowNs } from "../history/recorder.ts";
import type { Time } from "../history/validators/validator.ts";
import { CannotRun } from "./cannot-run.ts";
import { metricOf } from "./crowd.ts";
import { meetAllServers } from "./load/quiet.ts";
import { FULL_LOAD, type RunningLoad, startLoad, USUAL_LOAD } from "./load.ts";
import type { Field, Figure, Row } from "./row.ts";
import { openDirectory } from "./stand/place.ts";
import type { Stand } from "./stand/stand.ts";
import { doubtOf, type Found, findFaults, toldFigures } from "./verdict.ts";

export interface RunRowOptions {
  readonly stand: Stand;
  readonly seed: number;
  readonly times: number;
  readonly isFull: boolean;
  readonly judgesTimes: boolean;
  readonly say: (text: string) => void;
  /** Where the histories of a row that fails are kept, in a directory of its name. */
  readonly keep: string | null;
  /** For each search of one key. To prove that there is no order of its calls may take for ever, to find one does not. */
  readonly searchSeconds?: number;
}

export interface Ran {
  readonly figures: readonly Figure[];
  readonly history: HistoryReport;
  /** What is not as it must be; none: the row holds. */
  readonly faults: readonly string[];
  /** Why the faults are no finding; null: they are. */
  readonly doubt: string | null;
  /** Where the histories are, if they were kept. */
  readonly kept: string | null;
}

type RunningField = Field & { readonly load: RunningLoad };

const BASELINE_MS = { short: 1_000, full: 5_000 };
/** Without faults, at the end. */
const QUIET_MS = { short: 1_000, full: 10_000 };
/** A client whose server was away for long tries again every two seconds. */
const ANSWERS_AGAIN_MS_MAX = 10_000;
/** The longest wait and the longest call, sent again and again. */
const ALL_END_MS_MAX = 20_000;
const SEARCH_SECONDS = { short: 60, full: 300 };

/** Runs a row on a stand that nothing is the matter with: load, fault, quiet, and everything judged. */
export async function runRow(row: Row, options: RunRowOptions): Promise<Ran> {
  const { stand, keep, isFull } = options;
  const { searchSeconds = isFull ? SEARCH_SECONDS.full : SEARCH_SECONDS.short } = options;
  await using directory = await openDirectory();
  const files: string[] = [];
  const historyFile = (name: string) => {
    const path = join(directory.path, `${name}.ndjson`);
    files.push(path);
    return path;
  };
  const figures = new Map<string, Figure>();
  const figure = (one: Figure) => void figures.set(one.name, one);
  const before = stand.mishaps();
  const ended = await runLoad(row, options, { historyFile, figure });
  const history = await checkHistory(files, { timeoutSeconds: searchSeconds, within: ended.injected });
  const { unjudged = [], told = [] } = row;
  for (const one of toldFigures(history, told)) figure(one);
  const found: Found = {
    ...{ figures: [...figures.values()], history, ...ended, unjudged, told, judgesTimes: options.judgesTimes },
    mishaps: without(stand.mishaps(), before),
  };
  const faults = findFaults(found);
  const kept = faults.length > 0 && keep !== null ? await keepIn(keep, row.id, directory.path) : null;
  return { figures: found.figures, history, faults, doubt: doubtOf(found, faults), kept };
}

/** The load, the fault, the quiet, and the last look; when it returns the history is whole. */
async function runLoad(
  row: Row,
  { stand, seed, times, isFull, say }: RunRowOptions,
  { historyFile, figure }: Pick<Field, "historyFile" | "figure">,
): Promise<Pick<Found, "stuck" | "brokeOff" | "internal" | "resent"> & { readonly injected: Time }> {
  const random = createRandom(seed ^ hashOf(row.id));
  const scope = `${row.id}-${Date.now().toString(36)}`;
  using recorder = createRecorder({ path: historyFile("callers") });
  const resentBefore = await resentBy(stand);
  const deps = { ...(isFull ? FULL_LOAD : USUAL_LOAD), ...row.load, stand, recorder, random, scope };
  await using load = startLoad(deps);
  const fromMs = performance.now();
  await allAnswer(stand, load, fromMs);
  await pause(isFull ? BASELINE_MS.full : BASELINE_MS.short);
  const field: RunningField = {
    ...{ stand, load, recorder, random, times, isFull, scope, say, historyFile, figure },
    baseline: { fromMs, toMs: performance.now() },
  };
  let resent = (await resentBy(stand)) - resentBefore;
  const fromNs = nowNs();
  const brokeOff = await row.inject(field).then(() => null, reasonOf);
  const injected = { fromNs, toNs: nowNs() };
  const stuck = await settle(field);
  if (stuck === null) await load.lookAtLast();
  // A clock that steps takes no connection away; whatever else was done explains what was lost.
  const isLeftAlone = recorder.marks.every(({ mark }) => mark === "clock-step");
  if (isLeftAlone && stuck === null) resent = (await resentBy(stand)) - resentBefore;
  figure({ name: "batches sent again though no connection was touched", value: resent, unit: "" });
  return { stuck, brokeOff, injected, internal: load.internal, resent };
}

/** Batches that were sent once more because the answer did not come, and perhaps took effect twice. */
function resentBy({ servers }: Stand): Promise<number> {
  return metricOf(servers, "holdfast_store_retries_total", { cause: "connection" });
}

/** What the row met that it had not reckoned with: most likely the service is to blame. */
function reasonOf(error: unknown): string {
  if (error instanceof CannotRun) throw error;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The liveness phase: nothing is done any more, every server answers again, and every call ends. Null: so it is. */
async function settle({ stand, load, recorder, scope, isFull, figure }: RunningField): Promise<string | null> {
  const fromMs = performance.now();
  const answering = allAnswer(stand, load, fromMs).then(() => true);
  if (!(await Promise.race([answering, pause(ANSWERS_AGAIN_MS_MAX, false, { ref: false })]))) {
    return `not every server answers ${ANSWERS_AGAIN_MS_MAX / 1000} s after the fault`;
  }
  figure({ name: "all servers answer after", value: Math.round(performance.now() - fromMs), unit: "ms" });
  const [trouble] = await Promise.all([
    meetAllServers(stand, recorder, scope).then(() => null, reasonOf),
    pause(isFull ? QUIET_MS.full : QUIET_MS.short),
  ]);
  if (trouble !== null) return `without any fault, ${trouble}`;
  if (await load.end(ALL_END_MS_MAX)) return null;
  return `${load.open} calls are still open ${ALL_END_MS_MAX / 1000} s after the last one was made`;
}

async function allAnswer(stand: Stand, load: RunningLoad, fromMs: number): Promise<void> {
  await Promise.all(stand.servers.map(({ name }) => load.firstSuccessAfter(fromMs, name)));
}

function without(all: readonly string[], before: readonly string[]): readonly string[] {
  const known = [...before];
  return all.filter((one) => {
    const at = known.indexOf(one);
    if (at >= 0) known.splice(at, 1);
    return at < 0;
  });
}

async function keepIn(keep: string, id: string, directory: string): Promise<string> {
  const to = join(keep, `${id}-${Date.now()}`);
  await mkdir(keep, { recursive: true });
  await cp(directory, to, { recursive: true });
  return to;
}

/** So that the rows of one run do not do the same. */
function hashOf(text: string): number {
  let hash = 0;
  for (const letter of text) hash = Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0);
  return hash >>> 0;
}
