import type { ServerResponse } from "node:http";

/** The handler's response has broken off: what began to write it, or to pipe into it, has failed. */
export class BrokenOff extends Error {
  override readonly name = "BrokenOff";

  constructor(cause: unknown) {
    super("the handler's response has broken off", { cause });
  }
}

/** Whom to tell that a connection is to be destroyed; true is to leave it to them. */
type Listener = () => boolean;

const LISTENERS = new WeakMap<object, Set<Listener>>();

/**
 * Tells when somebody destroys the connection of a response: error handlers do that, Express's own among them, when the
 * response has begun and they can send no other. A client that goes is none of that: Node then gives an error, or has
 * read the end of what it sends.
 *
 * @returns lets go of the connection
 */
export function onConnectionDestroyed(response: ServerResponse, listener: Listener): () => void {
  const socket = response.req?.socket;
  // Over HTTP/2 the connection is others' too, and nobody destroys it for the sake of one response.
  if (socket === undefined || socket === null || response.req.httpVersionMajor !== 1) return () => {};
  const listeners = LISTENERS.get(socket) ?? new Set();
  if (listeners.size === 0) {
    LISTENERS.set(socket, listeners);
    const { destroy } = socket;
    socket.destroy = (error?: Error) => {
      const isTheirs = error === undefined && (socket.destroyed || !socket.readableEnded);
      const isLeft = isTheirs && [...listeners].map((each) => each()).includes(true);
      return isLeft ? socket : destroy.call(socket, error);
    };
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) Reflect.deleteProperty(socket, "destroy");
  };
}

/** What is still done with a response that is sent has no effect, and is no error. */
export function mute(response: ServerResponse): void {
  const same = () => response;
  const names = ["setHeader", "setHeaders", "appendHeader", "removeHeader", "writeHead", "flushHeaders", "end"];
  for (const name of names) Object.defineProperty(response, name, { value: same, configurable: true });
  Object.defineProperty(response, "write", { value: () => true, configurable: true });
}
