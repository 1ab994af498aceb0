import { timelineToJson } from "../../rpc/wire/record-json.ts";
import { EXIT } from "../exit-codes.ts";
import { jsonText, printable } from "../table.ts";
import { wrapped } from "../wrap.ts";
import { type Explanation, explainRecord } from "./explain.ts";
import type { Order } from "./order.ts";
import { recordText } from "./record-text.ts";
import { type RecordView, viewTimeline } from "./view.ts";

export async function why({ admin, name, invocation, output, io }: Order): Promise<number> {
  const timeline = timelineToJson(await admin.getRecordTimeline({ key: name }));
  const record = viewTimeline(timeline);
  const explanation = explainRecord(record, invocation);
  if (output === "json") io.out(jsonText({ ...explanation, timeline }));
  else io.out(explanationText(record, explanation, io.columns ?? Number.POSITIVE_INFINITY));
  return EXIT.done;
}

/** Sentences are broken at the width of the terminal, commands are not: they are to be copied. */
export function explanationText(
  { scope, key }: Pick<RecordView, "scope" | "key">,
  { headline, standing, history, next, remedies }: Explanation,
  width: number,
): string {
  const part = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : ["", title, ...lines]);
  const sentences = (texts: readonly string[]) => texts.flatMap((text) => wrapped(printable(text), "  ", width));
  const told = remedies.flatMap(({ means, command }) => [
    ...wrapped(printable(means), "  ", width),
    ...(command === null ? [] : [`    ${command}`]),
  ]);
  return [
    ...wrapped(`Record ${recordText({ scope, key })} ${headline}.`, "", width),
    ...sentences(standing),
    ...part(
      "What happened, in UTC:",
      history.map((line) => `  ${printable(line)}`),
    ),
    ...part("What happens by itself:", sentences(next)),
    ...part("What you can do:", told),
    "",
  ].join("\n");
}
