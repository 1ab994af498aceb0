import { setTimeout as sleep } from "node:timers/promises";
import { toBinary } from "@bufbuild/protobuf";
import { LeaseHandleSchema } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { type Done, type Finding, KEPT_MIB_MAX, type Part, percent } from "../measure.ts";
import type { Extent } from "../options.ts";
import type { Stand } from "../stand/stand.ts";
import type { World } from "./generate.ts";
import { type Input, inputOf } from "./inputs.ts";
import { createSender, isBug, NOT_SENT, type Outcome, type Sender } from "./ways.ts";

export interface MessagesOptions {
  readonly seed: number;
  readonly from: number;
  readonly extent: Extent;
}

/** Under way at a time. */
const AT_ONCE = 16;
/** More than a server is silent for: a request that does not end is closed after 10 s. */
const ANSWER_MS_MAX = 25_000;
const FINDINGS_MAX = 20;
/** Of all; what no client lets through is made by frames, so there is hardly any. */
const NOT_SENT_SHARE_MAX = 0.01;
const SHOWN_BYTES_MAX = 4096;

/** Malformed requests, one after the other by their numbers. */
export function messagesPart({ server, hostile, admin, held }: Stand, { seed, from, extent }: MessagesOptions): Part {
  const world: World = { handles: held.map((handle) => toBinary(LeaseHandleSchema, handle)) };
  const credentials = { own: hostile, admin };
  let isOver = false;
  void server.exited.then(() => {
    isOver = true;
  });

  const send = async (sender: Sender, until: (number: number) => boolean): Promise<Done> => {
    const outcomes: Record<string, number> = {};
    const findings = new Map<string, Finding>();
    let next = from;
    const work = async () => {
      for (let number = next++; !isOver && until(number); number = next++) {
        const input = inputOf(seed, number, world, credentials);
        const outcome = await inTime(sender.send(input));
        const name = `${input.way} ${outcome.code}`;
        outcomes[name] = (outcomes[name] ?? 0) + 1;
        const finding = judge(input, outcome, seed);
        if (finding !== null && findings.size < FINDINGS_MAX) findings.set(finding.what, finding);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const runs = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
    return { runs, outcomes: sorted(outcomes), findings: [...findings.values()] };
  };

  const part = async (): Promise<Done> => {
    using sender = createSender(server);
    const endMs = performance.now() + (extent.kind === "seconds" ? extent.seconds * 1000 : Number.POSITIVE_INFINITY);
    const last = from + (extent.kind === "runs" ? extent.runs : Number.POSITIVE_INFINITY);
    return await send(sender, (number) => number < last && performance.now() < endMs);
  };

  return {
    ...{ name: "messages", what: "malformed requests of every method, on both ports and on sessions", seed },
    keptMiBMax: KEPT_MIB_MAX,
    warm: async () => void (await part()),
    body: part,
    unshown: unshownOf,
  };
}

/** Why they show nothing; none: they do. */
export function unshownOf({ runs, outcomes }: Pick<Done, "runs" | "outcomes">): readonly string[] {
  if (runs === 0) return ["no message was sent: nothing was shown"];
  const unsent = Object.entries(outcomes).filter(([name]) => name.endsWith(` ${NOT_SENT}`));
  const share = unsent.reduce((sum, [, count]) => sum + count, 0) / runs;
  return share > NOT_SENT_SHARE_MAX
    ? [`${percent(share)} of the messages were not sent, and at most ${percent(NOT_SENT_SHARE_MAX)} may be`]
    : [];
}

async function inTime(answer: Promise<Outcome>): Promise<Outcome> {
  const over = new AbortController();
  const late = sleep(ANSWER_MS_MAX, { code: "hung", message: "" }, { signal: over.signal }).catch(() => null);
  const outcome = await Promise.race([answer, late]);
  over.abort();
  return outcome ?? answer;
}

function judge(input: Input, { code, message }: Outcome, seed: number): Finding | null {
  if (!isBug(code) && code !== "hung") return null;
  const { number, way, method, how, headers, body } = input;
  const said = code === "hung" ? "was not answered" : `was answered ${code}: ${message}`;
  const { authorization, ...others } = headers;
  const hex = body.subarray(0, SHOWN_BYTES_MAX).toString("hex");
  const rest = body.length > SHOWN_BYTES_MAX ? `… of ${body.length} bytes` : "";
  return {
    what: `${method.name} over ${way} (${how}) ${said}`,
    input: `${JSON.stringify(others)}${authorization === undefined ? ", without a credential" : ""}, body ${hex}${rest}`,
    again: `node proof/hostile/main.ts --only messages --seed ${seed} --from ${number} --runs 1`,
  };
}

function sorted(counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}
