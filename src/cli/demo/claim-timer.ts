import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Transport } from "@connectrpc/connect";
import type { Rpc } from "../../client/client.ts";
import type { Report } from "./messages.ts";

export interface ClaimTimerDeps {
  /** Milliseconds since 1970, fractional: to be held against what the database's clock has said, on the same machine. */
  readonly wallMs: () => number;
  readonly report: (report: Report) => void;
}

type ClaimResponse = Awaited<ReturnType<Rpc["claim"]>>;

/**
 * Times each Claim call by itself, whatever `once` does around it.
 *
 * A call that waited lasts as long as somebody else's work, which says nothing about Holdfast: of a wait for a result
 * only what comes behind the end of the record is told, and other waits are not timed.
 */
export function timeClaims(transport: Transport, { wallMs, report }: ClaimTimerDeps): Transport {
  return {
    async unary(method, ...call) {
      const sentMs = wallMs();
      const response = await transport.unary(method, ...call);
      if (method.name === "Claim") {
        const timed = time(response.message as unknown as ClaimResponse, sentMs, wallMs());
        if (timed !== null) report(timed);
      }
      return response;
    },
    stream: (...call) => transport.stream(...call),
  };
}

/** Null for a wait that brought neither a result nor a lease. */
function time({ detail }: ClaimResponse, sentMs: number, nowMs: number): Report | null {
  const answeredAtOnce: Report = { kind: "claim", ms: nowMs - sentMs };
  switch (detail.case) {
    case "acquired": {
      const { seconds, nanos } = detail.value.lease?.waited ?? { seconds: 0n, nanos: 0 };
      return seconds === 0n && nanos === 0 ? answeredAtOnce : { kind: "promotion" };
    }
    case "completed": {
      const endMs = millis(detail.value.endTime);
      return endMs > sentMs ? { kind: "wake", ms: nowMs - endMs } : answeredAtOnce;
    }
    case "outcomeUnknown":
      return millis(detail.value.since) > sentMs ? null : answeredAtOnce;
    case "failed":
    case "expired":
      return millis(detail.value.endTime) > sentMs ? null : answeredAtOnce;
    case "inProgress":
    case "retryScheduled":
    case undefined:
      return null;
  }
}

/** With its fraction, which `timestampMs` rounds away: a wake takes little more than a millisecond. */
function millis(timestamp: Timestamp | undefined): number {
  return timestamp === undefined ? 0 : Number(timestamp.seconds) * 1_000 + timestamp.nanos / 1_000_000;
}
