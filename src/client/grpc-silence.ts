import { Code, ConnectError } from "@connectrpc/connect";

/** Which addresses have not answered their newest call, for people who wonder why nothing works. */
interface Silence {
  /** The call's answer or error; an error that no server sent comes back with the addresses that are silent. */
  watch<T>(address: string, call: () => Promise<T>): Promise<T>;
}

export function createSilence(): Silence {
  const silent = new Set<string>();
  return {
    async watch(address, call) {
      try {
        const answer = await call();
        silent.delete(address);
        return answer;
      } catch (error) {
        if (!isSilence(error)) {
          silent.delete(address);
          throw error;
        }
        silent.add(address);
        const message = `no server answered at ${[...silent].sort().join(", ")}: ${error.rawMessage}`;
        throw new ConnectError(message, error.code, undefined, undefined, error.cause);
      }
    },
  };
}

/** grpc-js gives its own errors no metadata, and whatever comes from a server or a proxy has some. */
function isSilence(error: unknown): error is ConnectError {
  if (!(error instanceof ConnectError)) return false;
  const { code, metadata } = error;
  return (code === Code.Unavailable || code === Code.DeadlineExceeded) && [...metadata.keys()].length === 0;
}
