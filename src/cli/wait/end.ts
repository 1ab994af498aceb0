import type { Rpc } from "../../client/client.ts";
import { type ResultJson, recordToJson, resultToJson, statusToJson } from "../../rpc/wire/record-json.ts";
import type { Config } from "../../server/config.ts";
import type { CommandIo } from "../commands.ts";
import { EXIT } from "../exit-codes.ts";
import { resultText } from "../keys/result-text.ts";
import { statusText } from "../status-codes.ts";
import { jsonText, printable } from "../table.ts";

type Answer = Awaited<ReturnType<Rpc["getRecord"]>>;

export interface Showing {
  readonly raw: boolean;
  readonly output: Config["output"];
  readonly io: CommandIo;
}

/** Prints how a record has ended; resolves to the exit code that tells it. */
export function showEnd(answer: Answer, { raw, output, io }: Showing): number {
  const { record, result, error } = answer;
  if (record === undefined) throw new Error("the server answered without a record");
  const shown = {
    record: recordToJson(record),
    ...(result && { result: resultToJson(result) }),
    ...(error && { error: statusToJson(error) }),
  };
  const isJson = output === "json" && !raw;
  if (isJson) io.out(jsonText(shown));
  switch (shown.record.state) {
    case "RECORD_STATE_COMPLETED":
      if (raw) return writeRaw(shown.result, io);
      if (!isJson) io.out(`${shown.result === undefined ? "" : resultText(shown.result).text.trimEnd()}\n`);
      return EXIT.done;
    case "RECORD_STATE_FAILED":
      io.error(
        `holdfast: the work has failed for good: ${printable(error === undefined ? "no error was given" : statusText(error))}\n`,
      );
      return EXIT.endedWithError;
    case "RECORD_STATE_EXPIRED":
      io.error("holdfast: the work has ended, and its result is no longer kept\n");
      return EXIT.noOutcome;
    default:
      // It had ended, and somebody was faster than this second look.
      io.error("holdfast: the record has ended, and was claimed or reset since\n");
      return EXIT.refused;
  }
}

/** The bytes of a result and nothing else; the exit code says whether there are any. */
export function writeRaw(result: ResultJson | undefined, io: CommandIo): number {
  if (result?.inline !== undefined) {
    io.bytes?.(Buffer.from(result.inline, "base64"));
    return EXIT.done;
  }
  const what = result === undefined ? "it has no result" : resultText(result).text;
  io.error(`holdfast: there are no bytes to print: ${printable(what)}\n`);
  return EXIT.refused;
}
