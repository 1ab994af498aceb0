import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { errorTold } from "../../history/outputs.ts";
import type { Ending, Tally } from "./tally.ts";

/** The transport, with every call on it counted and timed. */
export function timed(transport: Transport, tally: Tally, server: string): Transport {
  return {
    async unary(method, signal, timeoutMs, headers, input, values) {
      const end = tally.begin(server, waitsByItself(input));
      try {
        const answer = await transport.unary(method, signal, timeoutMs, headers, input, values);
        end("succeeded");
        return answer;
      } catch (error) {
        end(endingOf(error, signal));
        throw error;
      }
    },
    async stream(method, signal, timeoutMs, headers, input, values) {
      const end = once(tally.begin(server, true));
      signal?.addEventListener("abort", () => end("left"), { once: true });
      try {
        const answer = await transport.stream(method, signal, timeoutMs, headers, input, values);
        return { ...answer, message: untilEnd(answer.message, end, signal) };
      } catch (error) {
        end(endingOf(error, signal));
        throw error;
      }
    },
  };
}

async function* untilEnd<Message>(
  messages: AsyncIterable<Message>,
  end: (ending: Ending) => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<Message> {
  try {
    yield* messages;
    end("succeeded");
  } catch (error) {
    end(endingOf(error, signal));
    throw error;
  } finally {
    end("left");
  }
}

function once(end: (ending: Ending) => void): (ending: Ending) => void {
  let isOver = false;
  return (ending) => {
    if (!isOver) end(ending);
    isOver = true;
  };
}

function waitsByItself(input: object): boolean {
  const { wait } = input as { readonly wait?: { readonly seconds?: bigint; readonly nanos?: number } };
  return wait !== undefined && ((wait.seconds ?? 0n) > 0n || (wait.nanos ?? 0) > 0);
}

function endingOf(thrown: unknown, signal: AbortSignal | undefined): Ending {
  if (signal?.aborted) return "left";
  const error = ConnectError.from(thrown);
  if (error.code === Code.Internal) return "internal";
  const { output } = errorTold(error, 0);
  return output.kind === "refused" && output.code !== "ResourceExhausted" ? "refused" : "failed";
}
