import { Code, ConnectError } from "@connectrpc/connect";
import type { SessionHello, SessionResponse } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { SessionCall } from "./call.ts";
import type { SessionStream } from "./stream.ts";
import { encodeCall, encodeCancel, errorOf } from "./wire.ts";

type Limits = Pick<SessionHello, "callsMax" | "waitsMax">;

/** The calls of one session. */
export interface Calls {
  /**
   * False: it does not take this call. What is too large would hold up others; one more claim that waits than the server
   * takes would be refused.
   */
  send(call: SessionCall): boolean;
  /** False: it is no answer to any call. */
  onAnswer(response: SessionResponse): boolean;
  onDrain(): void;
  /** Ends the calls whose time is over. */
  expire(nowMs: number): Expired;
  /**
   * Takes no more, but what must go behind something that is open. What has not been sent goes elsewhere, and so does what
   * is answered with UNAVAILABLE from here on.
   */
  leave(): void;
  /** The stream has ended: what is open has failed. */
  fail(error: ConnectError): void;
  /** Whether nobody waits for anything. */
  isIdle(): boolean;
  /** Whether nothing is owed by the server either: it answers what was cancelled too. */
  isEmpty(): boolean;
  /** How many have been answered. */
  readonly answers: number;
}

interface Expired {
  /** When the next call's time is over; Infinity: never. */
  readonly nextMs: number;
  /** The longest time that one of them was unanswered while no other was answered either; -1: there was none. */
  readonly silentMs: number;
}

/** From `send` to its answer. Without a call, its caller has gone. */
interface Entry {
  readonly id: number;
  readonly waits: boolean;
  readonly bytes: Buffer;
  /** How many answers had come before it. */
  readonly answersBefore: number;
  call: SessionCall | null;
  onAbort: (() => void) | null;
}

/**
 * Larger calls go unary: on a stream all that follows waits for them, and one that is over the server's limit, which is
 * 1.25 MiB, would end the stream.
 */
const BYTES_MAX = 128 * 1024;

/**
 * A call is queued while the stream takes no more or the server's limit is reached, in the order of arrival. It is open
 * from when it is written to when it is answered, also when its caller goes before that: then it is cancelled, its answer
 * is dropped, and it counts until then, as it does to the server.
 */
export function createCalls(stream: Pick<SessionStream, "write">, limits: Limits): Calls {
  const open = new Map<number, Entry>();
  const queue = new Set<Entry>();
  /** Ids of open calls whose cancelling waits for the stream. */
  const cancels: number[] = [];
  let nextId = 1;
  let answers = 0;
  /** Open calls but those that wait, which are counted from `send` on. */
  let counted = 0;
  let waiting = 0;
  /** Calls that somebody waits for. */
  let wanted = 0;
  let isBlocked = false;
  let isLeft = false;

  const put = (bytes: Buffer) => {
    if (!stream.write(bytes)) isBlocked = true;
  };
  const write = (entry: Entry) => {
    open.set(entry.id, entry);
    if (!entry.waits) counted++;
    put(entry.bytes);
  };
  const fits = ({ waits }: Entry) => !isBlocked && (waits || counted < limits.callsMax);
  const pump = () => {
    for (const entry of queue) {
      if (!fits(entry)) return;
      queue.delete(entry);
      write(entry);
    }
  };
  /** Null: its caller has gone before. */
  const release = (entry: Entry): SessionCall | null => {
    const { call, onAbort } = entry;
    if (call === null) return null;
    if (onAbort !== null) call.signal?.removeEventListener("abort", onAbort);
    entry.call = null;
    wanted--;
    return call;
  };
  const giveUp = (entry: Entry, error: ConnectError) => {
    const call = release(entry);
    if (queue.delete(entry)) {
      if (entry.waits) waiting--;
    } else if (isBlocked) cancels.push(entry.id);
    else put(encodeCancel(entry.id));
    call?.failed(error);
  };

  return {
    send(call) {
      const { signal, waits } = call;
      const isTaken = isLeft ? call.isBehind && open.size > 0 : waits ? waiting < limits.waitsMax : limits.callsMax > 0;
      if (!isTaken || signal?.aborted) return false;
      const bytes = encodeCall(nextId, call);
      if (bytes.length > BYTES_MAX) return false;
      const entry: Entry = { id: nextId++, waits, bytes, answersBefore: answers, call, onAbort: null };
      if (signal !== undefined) {
        entry.onAbort = () => giveUp(entry, cancelled(signal));
        signal.addEventListener("abort", entry.onAbort, { once: true });
      }
      wanted++;
      if (waits) waiting++;
      if (fits(entry)) write(entry);
      else queue.add(entry);
      return true;
    },

    onAnswer({ id, answer }) {
      const entry = open.get(Number(id));
      if (entry === undefined) return false;
      open.delete(entry.id);
      answers++;
      if (entry.waits) waiting--;
      else counted--;
      const call = release(entry);
      if (call !== null) settle(call, answer, isLeft);
      if (queue.size > 0) pump();
      return true;
    },

    onDrain() {
      isBlocked = false;
      for (let id = cancels.shift(); id !== undefined; id = isBlocked ? undefined : cancels.shift()) {
        // Of one that is answered by now the server knows nothing any more.
        if (open.has(id)) put(encodeCancel(id));
      }
      pump();
    },

    expire(nowMs) {
      let nextMs = Number.POSITIVE_INFINITY;
      let silentMs = -1;
      for (const entry of [...open.values(), ...queue]) {
        const { call } = entry;
        if (call === null) continue;
        if (call.endMs > nowMs) {
          nextMs = Math.min(nextMs, call.endMs);
          continue;
        }
        if (!call.waits && entry.answersBefore === answers) silentMs = Math.max(silentMs, call.timeoutMs);
        giveUp(entry, new ConnectError("the call's time is over", Code.DeadlineExceeded));
      }
      return { nextMs, silentMs };
    },

    leave() {
      isLeft = true;
      for (const entry of queue) {
        queue.delete(entry);
        if (entry.waits) waiting--;
        release(entry)?.elsewhere();
      }
    },

    fail(error) {
      for (const entry of open.values()) release(entry)?.failed(error);
      open.clear();
    },

    isIdle: () => wanted === 0,
    isEmpty: () => open.size === 0,
    get answers() {
      return answers;
    },
  };
}

function settle(call: SessionCall, answer: SessionResponse["answer"], isLeft: boolean): void {
  if (answer.case === call.kind) {
    call.answered(answer.value);
  } else if (answer.case !== "error") {
    call.failed(new ConnectError(`a ${call.kind} was answered with ${answer.case}`, Code.Internal));
  } else if (isLeft && answer.value.code === Code.Unavailable) {
    // So are calls refused that came after the goodbye. One that came before may have taken effect; like any other it may
    // be sent again all the same.
    call.elsewhere();
  } else {
    call.failed(errorOf(answer.value));
  }
}

function cancelled(signal: AbortSignal): ConnectError {
  return new ConnectError("the call was cancelled", Code.Canceled, undefined, undefined, signal.reason);
}
