import type { SessionHello } from "../../../gen/holdfast/v1/idempotency_pb.ts";

/** What Hello allows, and how much of it is taken. */
export interface Allowance {
  /** Whether a call like this one may be made on the session at all, as things are. */
  admits(call: Sized): boolean;
  /** Whether a call that has been admitted may be written now. */
  hasRoom(call: Sized): boolean;
  /** Claims that wait are counted from when they are admitted, all others from when they are written. */
  take(call: Sized): void;
  give(call: Sized): void;
}

interface Sized {
  readonly waits: boolean;
  /** In bytes of the message. */
  readonly size: number;
}

export type Limits = Pick<SessionHello, "callsMax" | "waitsMax" | "requestBytesMax">;

/**
 * Larger calls go unary: on a stream all that follows waits for them, and one that is over the server's limit, which is
 * 1.25 MiB, would end the stream.
 */
const SIZE_MAX = 128 * 1024;

export function createAllowance({ callsMax, waitsMax, requestBytesMax }: Limits): Allowance {
  // A server that does not say how many bytes looks at the number of calls alone.
  const bytesMax = requestBytesMax === 0 ? Number.POSITIVE_INFINITY : requestBytesMax;
  const sizeMax = Math.min(SIZE_MAX, bytesMax);
  let calls = 0;
  let bytes = 0;
  let waiting = 0;

  const count = ({ waits, size }: Sized, by: 1 | -1) => {
    if (waits) {
      waiting += by;
    } else {
      calls += by;
      bytes += by * size;
    }
  };

  return {
    admits: ({ waits, size }) => (waits ? waiting < waitsMax && size <= SIZE_MAX : callsMax > 0 && size <= sizeMax),
    hasRoom: ({ waits, size }) => waits || (calls < callsMax && bytes + size <= bytesMax),
    take: (call) => count(call, 1),
    give: (call) => count(call, -1),
  };
}
