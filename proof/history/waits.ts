import { toBinary } from "@bufbuild/protobuf";
import {
  type WaitForRequest,
  type WaitForResponse,
  WaitForResponseSchema,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { canariesIn } from "./canaries.ts";
import type { Op } from "./format.ts";
import { type Said, waitForSaid } from "./inputs.ts";
import type { Answered, Begun, Ledger } from "./ledger.ts";
import { endedTold, errorTold, finishTold, snapshotTold, type Told } from "./outputs.ts";

export interface WaitNames {
  begun(op: Op, said: Said): Begun;
  server(): Pick<Answered, "server">;
}

/** Two lines for each target: its snapshot, and its end or why there was none. */
export interface RecordedWait {
  /** The events as they come. */
  watch(events: AsyncIterable<WaitForResponse>): AsyncIterable<WaitForResponse>;
  /** The stream could not be opened. */
  failed(error: unknown): void;
}

/**
 * To be asked for before the wait is sent. A reader who turns away does not show here: connect's client does not tell the
 * transport. So a wait that is left before its end is to be aborted, as it is on the wire.
 */
export function recordWait(
  ledger: Ledger,
  request: WaitForRequest,
  { begun, server }: WaitNames,
  signal: AbortSignal | undefined,
): RecordedWait {
  const targets = waitForSaid(request).map((said) => ({
    snapshot: ledger.begin(begun("wait_snapshot", said)),
    end: ledger.begin(begun("wait_for", said)),
  }));

  const endAll = (told: Told) => {
    for (const { snapshot, end } of targets) {
      snapshot({ ...told, ...server() });
      end({ ...told, ...server() });
    }
  };
  const see = (message: WaitForResponse) => {
    const { event, targetIndex } = message;
    const target = targets[targetIndex];
    const answered = (told: Told): Answered => {
      const canaries = canariesIn(toBinary(WaitForResponseSchema, message));
      return { ...told, ...server(), ...(canaries.length > 0 && { canaries }) };
    };
    if (event.case === "snapshot") target?.snapshot(answered(snapshotTold(event.value)));
    if (event.case === "ended") target?.end(answered(endedTold(event.value)));
    if (event.case === "finish") endAll(finishTold(event.value.reason));
  };
  const failed = (error: unknown) => endAll(errorTold(error, ledger.nowNs()));
  const left = () => endAll({ output: { kind: "unknown", code: "LEFT", gave_up_ns: ledger.nowNs() } });
  signal?.addEventListener("abort", left, { once: true });

  return {
    failed,
    async *watch(events) {
      try {
        for await (const message of events) {
          see(message);
          yield message;
        }
      } catch (error) {
        failed(error);
        throw error;
      } finally {
        // Ended without Finish; nothing where every target has its lines already.
        left();
        signal?.removeEventListener("abort", left);
      }
    },
  };
}
