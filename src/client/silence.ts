import { Code, ConnectError } from "@connectrpc/connect";

/** Which addresses have not answered their newest call, for people who wonder why nothing works. */
interface Silence {
  /**
   * The call's answer or error; an error that no server sent comes back with the addresses that are silent. A call that
   * waits is not one: silent is who let a call's whole time pass, or cannot be reached.
   */
  watch<T>(address: string, call: () => Promise<T>): Promise<T>;
  /** The same for the messages of a stream and the error that ends it. */
  watchStream<T>(address: string, messages: AsyncIterable<T>): AsyncIterable<T>;
  /** The same for a call that is no promise: it was answered. */
  heard(address: string): void;
  /** Its error, with the addresses that are silent if it is one that no server sent. */
  explain(address: string, error: unknown): unknown;
}

export function createSilence(): Silence {
  const silent = new Set<string>();
  const explain = (address: string, error: unknown): unknown => {
    // Who cancels a call learns nothing about the server.
    if (error instanceof ConnectError && error.code === Code.Canceled) return error;
    if (!isSilence(error)) {
      silent.delete(address);
      return error;
    }
    silent.add(address);
    const message = `no server answered at ${[...silent].sort().join(", ")}: ${error.rawMessage}`;
    return new ConnectError(message, error.code, undefined, undefined, error.cause);
  };

  return {
    heard: (address) => void silent.delete(address),
    explain,

    async watch(address, call) {
      try {
        const answer = await call();
        silent.delete(address);
        return answer;
      } catch (error) {
        throw explain(address, error);
      }
    },

    async *watchStream(address, messages) {
      try {
        for await (const message of messages) {
          silent.delete(address);
          yield message;
        }
      } catch (error) {
        throw explain(address, error);
      }
    },
  };
}

/** What a transport says by itself has no metadata, and whatever comes from a server or a proxy has some. */
function isSilence(error: unknown): error is ConnectError {
  if (!(error instanceof ConnectError)) return false;
  const { code, metadata } = error;
  return (code === Code.Unavailable || code === Code.DeadlineExceeded) && [...metadata.keys()].length === 0;
}
