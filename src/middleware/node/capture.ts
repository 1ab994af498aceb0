import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Answer, CapturedResponse, HeaderList } from "../http/response.ts";
import { BrokenOff, onConnectionDestroyed } from "./break-off.ts";

/** A response of Node's that its handler writes as ever, and of which nothing is sent before somebody says so. */
export interface Capture {
  /**
   * What the handler has answered, once it has ended its response. A body over the bound is not kept: from then on what
   * the handler writes is sent as it comes. Rejected with `BrokenOff` as soon as it is destroyed before its end.
   */
  readonly done: Promise<CapturedResponse>;
  /** Sends what the handler has answered, or the end of it, and lets go of the response. Marks are headers beside its own. */
  release(marks?: HeaderList): void;
  /** The same with another answer in its place, unless part of the handler's is sent already. */
  replace(answer: Answer): void;
  /** Destroys a response that has broken off, and lets go of it: its client sees what it would have seen at once. */
  breakOff(): void;
  /** Rejects `done` once this is aborted and the client has gone: a handler that was cut off then never ends. */
  abandonWith(signal: AbortSignal): void;
}

/** Nobody waits for this response any more, and what there would be to store of it nobody would take. */
export class Abandoned extends Error {
  override readonly name = "Abandoned";
}

type Headers = OutgoingHttpHeaders | readonly unknown[];
type Callback = (error?: Error | null) => void;

/**
 * For what stands on node:http, whatever framework is above it: the handler's status, headers and body are seen as they
 * would go over the wire, after all that serializes them, and those of an error handler too.
 *
 * A client that goes does not reach the handler: the event "close" is held back, and the response does not look
 * destroyed, until the handler has ended it. What is piped into it would otherwise be cut, and the work half told.
 *
 * @param bytesMax of a body that is kept
 * @param onGone called when the client has gone before the handler has ended
 */
export function captureResponse(response: ServerResponse, bytesMax: number, onGone = () => {}): Capture {
  const before = response.getHeaders();
  const done = Promise.withResolvers<CapturedResponse>();
  const lent = lend(response, {
    writeHead: (status: number, second?: string | Headers, third?: Headers) => {
      state.hasBegun = true;
      response.statusCode = status;
      if (typeof second === "string") response.statusMessage = second;
      setAll(response, (typeof second === "string" ? third : second) ?? {});
      return response;
    },
    flushHeaders: begin,
    write: (chunk: unknown, second?: BufferEncoding | Callback, third?: Callback) => {
      const sent = take(bytesOf(chunk, second));
      const callback = typeof second === "function" ? second : third;
      if (callback !== undefined) queueMicrotask(callback);
      return sent;
    },
    end: (first?: unknown, second?: BufferEncoding | Callback, third?: Callback) => {
      if (!state.hasEnded) {
        const [chunk, encoding] = typeof first === "function" ? [undefined, undefined] : [first, second];
        begin();
        if (chunk !== undefined && chunk !== null) take(bytesOf(chunk, encoding));
        const callback = [first, second, third].find((each) => typeof each === "function") as Callback | undefined;
        if (callback !== undefined) response.once("finish", callback);
        end();
      }
      return response;
    },
    destroy: (error?: Error) => {
      if (state.hasEnded) return lent.destroy(error);
      breakOff(error);
      return response;
    },
    emit: (event: string | symbol, ...values: unknown[]) => {
      if (event !== "close") return lent.emit(event, ...values);
      state.hasGone = true;
      if (state.isThrough) response.emit("drain");
      onGone();
      if (lost?.aborted) abandon();
      return true;
    },
  });
  const state = { hasBegun: false, hasEnded: false, hasGone: response.destroyed, isThrough: false, isBroken: false };
  const kept: Uint8Array[] = [];
  let size = 0;
  let lost: AbortSignal | undefined;
  const letGo = pretend(response, {
    headersSent: () => state.hasBegun,
    writableEnded: () => state.hasEnded,
    destroyed: () => state.isBroken,
    _closed: () => false,
  });

  const letGoOfConnection = onConnectionDestroyed(response, () => {
    // Of a handler that has not begun, somebody else destroys it: a server that is closed.
    if (!state.hasBegun || state.hasEnded) return false;
    breakOff(undefined);
    return true;
  });

  /** As Node does before the first byte: whoever stands behind and waits for the head adds to it now. */
  function begin(): void {
    if (!state.hasBegun) response.writeHead(response.statusCode);
  }

  function breakOff(error: unknown): void {
    state.isBroken = true;
    done.reject(new BrokenOff(error));
  }

  function abandon(): void {
    done.reject(new Abandoned("the client has gone, and the lease is over"));
  }

  /** False when whoever writes should wait. */
  function take(bytes: Uint8Array): boolean {
    if (state.hasEnded || state.isBroken) return true;
    begin();
    size += bytes.length;
    if (!state.isThrough && size > bytesMax) passThrough();
    if (state.isThrough) return state.hasGone || lent.write(bytes);
    kept.push(bytes);
    return true;
  }

  function passThrough(): void {
    state.isThrough = true;
    response.writeHead = lent.writeHead as ServerResponse["writeHead"];
    if (state.hasGone) return;
    for (const bytes of kept.splice(0)) lent.write(bytes);
  }

  function end(): void {
    state.hasEnded = true;
    const { statusCode: status } = response;
    done.resolve({ status, headers: listOf(response), body: state.isThrough ? null : Buffer.concat(kept) });
  }

  function giveBack(): void {
    letGoOfConnection();
    letGo();
    lent.giveBack();
  }

  function send(body: Uint8Array): void {
    giveBack();
    if (state.hasGone) response.emit("close");
    else response.end(body);
  }

  return {
    done: done.promise,
    release(marks = []) {
      if (!state.isThrough) for (const [name, value] of marks) response.setHeader(name, value);
      send(Buffer.concat(kept));
    },
    breakOff() {
      giveBack();
      response.destroy();
      if (state.hasGone) response.emit("close");
    },
    replace({ status, headers, body }) {
      if (state.isThrough) return send(Buffer.alloc(0));
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      setAll(response, before);
      response.statusCode = status;
      response.statusMessage = "";
      for (const [name, value] of headers) response.appendHeader(name, value);
      send(Buffer.from(body));
    },
    abandonWith(signal) {
      lost = signal;
      const onLost = () => {
        if (state.hasGone) abandon();
      };
      signal.addEventListener("abort", onLost, { once: true });
    },
  };
}

type Methods = "writeHead" | "flushHeaders" | "write" | "end" | "destroy" | "emit";

/** Puts methods in the place of the response's own, and has those at hand. */
function lend(response: ServerResponse, methods: Record<Methods, (...values: never[]) => unknown>) {
  const { writeHead, flushHeaders, write, end, destroy, emit } = response;
  const own = { writeHead, flushHeaders, write, end, destroy, emit };
  Object.assign(response, methods);
  return {
    writeHead,
    write: (bytes: Uint8Array): boolean => write.call(response, bytes, "utf8"),
    destroy: (error?: Error) => destroy.call(response, error),
    emit: (event: string | symbol, ...values: unknown[]): boolean => emit.call(response, event, ...values),
    giveBack: () => void Object.assign(response, own),
  };
}

/** Has properties say something else until the returned function is called; what is set meanwhile is there after it. */
function pretend(response: ServerResponse, words: Readonly<Record<string, () => boolean>>): () => void {
  const before = new Map(Object.keys(words).map((name) => [name, Object.getOwnPropertyDescriptor(response, name)]));
  for (const [name, get] of Object.entries(words)) {
    const set = (value: unknown) => {
      const own = before.get(name);
      if (own !== undefined) own.value = value;
    };
    Object.defineProperty(response, name, { get, set, configurable: true, enumerable: true });
  }
  return () => {
    for (const [name, own] of before) {
      Reflect.deleteProperty(response, name);
      if (own !== undefined) Object.defineProperty(response, name, own);
    }
  };
}

/** Copied: who has written a chunk may use its memory again. */
function bytesOf(chunk: unknown, encoding: BufferEncoding | Callback | undefined): Uint8Array {
  if (typeof chunk === "string") return Buffer.from(chunk, typeof encoding === "string" ? encoding : "utf8");
  if (chunk instanceof Uint8Array) return Buffer.from(chunk);
  throw new TypeError("a response is written in text or bytes");
}

/** In any of the forms that writeHead takes: by name, or names and values in turn, or in pairs. */
function setAll(response: ServerResponse, headers: Headers): void {
  if (!isList(headers)) {
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
    return;
  }
  const flat: readonly unknown[] = headers.flat();
  for (let at = 0; at < flat.length; at += 2) response.removeHeader(String(flat[at]));
  for (let at = 0; at < flat.length; at += 2) response.appendHeader(String(flat[at]), String(flat[at + 1]));
}

function isList(headers: Headers): headers is readonly unknown[] {
  return Array.isArray(headers);
}

function listOf(response: ServerResponse): HeaderList {
  return Object.entries(response.getHeaders()).flatMap(([name, value]): HeaderList => {
    const values = Array.isArray(value) ? value : [value];
    return values.map((each) => [name.toLowerCase(), String(each)] as const);
  });
}
