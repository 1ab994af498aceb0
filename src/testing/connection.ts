import { create, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { follow } from "../client/runtime.ts";
import { RpcError } from "../rpc/error.ts";
import type { Network, Peer } from "./network.ts";
import type { TestProcess } from "./process.ts";

/**
 * One client's way to the server, in memory. What goes over it is encoded and decoded, both ways, so that the two sides
 * share nothing.
 */
export function createConnection(network: Network, process: TestProcess): Transport {
  const call = async (...[method, signal, timeoutMs, headers, input]: Parameters<Transport["unary"]>) => {
    const { peer, end } = openPeer(process, signal, timeoutMs, headers);
    try {
      const answer = await network.unary(method.localName, copy(method.input, create(method.input, input)), peer);
      return copy(method.output, answer);
    } catch (error) {
      throw asReceived(error);
    } finally {
      end();
    }
  };

  return {
    async unary(method, signal, timeoutMs, headers, input) {
      const message = (await process.whileAlive(call(method, signal, timeoutMs, headers, input))) as never;
      return { stream: false, service: method.parent, method, message, ...noHeaders() };
    },

    async stream(method, signal, timeoutMs, headers, input) {
      const [first] = await Array.fromAsync(input);
      const request = copy(method.input, create(method.input, first));
      const { peer, end } = openPeer(process, signal, timeoutMs, headers);
      async function* receive(): AsyncGenerator<never, void, undefined> {
        const messages = network.stream(method.localName, request, peer);
        try {
          for (;;) {
            const { done, value } = await process.whileAlive(messages.next());
            if (done) return;
            yield copy(method.output, value) as never;
          }
        } catch (error) {
          throw asReceived(error);
        } finally {
          end();
          await messages.return();
        }
      }
      return { stream: true, service: method.parent, method, message: receive(), ...noHeaders() };
    },
  };
}

/** A deadline is the caller's: it is over for both sides at once. */
function openPeer(
  process: TestProcess,
  signal: AbortSignal | undefined,
  timeoutMs = Number.POSITIVE_INFINITY,
  headers: Parameters<Transport["unary"]>[3],
): { readonly peer: Peer; readonly end: () => void } {
  const { clock, killed } = process;
  const over = new AbortController();
  const giveUp = (code: Code, message: string) => over.abort(new ConnectError(message, code));
  const cancelled = new AbortController();
  cancelled.signal.addEventListener("abort", () => giveUp(Code.Canceled, "the call was cancelled"), { once: true });
  const unfollow = follow(cancelled, [signal, killed]);
  const cancelTimer = clock.after(timeoutMs, () => giveUp(Code.DeadlineExceeded, "the deadline passed"));
  const deadline = clock.monotonicMs() + timeoutMs;
  return {
    peer: { headers: new Headers(headers), signal: over.signal, deadline, transport: "grpc" },
    end() {
      cancelTimer();
      unfollow();
    },
  };
}

function noHeaders() {
  return { header: new Headers(), trailer: new Headers() };
}

function copy(type: DescMessage, message: Message): Message {
  return fromBinary(type, toBinary(type, message));
}

/** The cause goes along, which no network does: here it is a bug that somebody will want to see. */
function asReceived(error: unknown): unknown {
  if (!(error instanceof RpcError)) return error;
  const wire = new ConnectError(error.message, error.code as number as Code, undefined, undefined, error.cause);
  wire.details = error.details.map(({ desc, message }) => ({ type: desc.typeName, value: toBinary(desc, message) }));
  return wire;
}
