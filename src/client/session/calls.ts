import { Code, ConnectError } from "@connectrpc/connect";
import type { SessionResponse } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { createAllowance, type Limits } from "./allowance.ts";
import type { SessionCall } from "./call.ts";
import { cancelled, settle } from "./settle.ts";
import type { SessionStream } from "./stream.ts";
import { encodeCall, encodeCancel } from "./wire.ts";

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
   * is refused for the goodbye from here on.
   */
  leave(): void;
  /** All that somebody waits for has failed, sent or not. */
  fail(error: ConnectError): void;
  /** The stream has ended: what is open has failed; or goes elsewhere too, without an error. */
  end(error: ConnectError | null): void;
  /** Whether nobody waits for anything. */
  isIdle(): boolean;
  /** Whether nothing is owed by the server either: it answers what was cancelled too. */
  isEmpty(): boolean;
  /** How many have been answered. */
  readonly answers: number;
}

interface Expired {
  /** When there is a call to be looked at; Infinity: never. */
  readonly nextMs: number;
  /** Whether the server is silent: it owed an answer, and has given no other since that call was made either. */
  readonly isSilent: boolean;
}

/** From `send` to its answer. */
interface Entry {
  readonly id: number;
  readonly waits: boolean;
  readonly size: number;
  /** How many answers had come before it. */
  readonly answersBefore: number;
  /** When the server owes an answer; Infinity: it owes none before the call's time is over, or was judged already. */
  owedMs: number;
  /** Null: it was written. */
  bytes: Buffer | null;
  /** Null: its caller has gone. */
  call: SessionCall | null;
  onAbort: (() => void) | null;
}

/** A call that is unanswered for so long has been lost, when nothing else was heard either. */
const SILENT_MS = 1_000;

/**
 * A call is queued while the stream takes no more or the server's limit is reached, in the order of arrival; only claims
 * that wait overtake those that the limit holds back, for it does not count them. It is open from when it is written to
 * when it is answered, also when its caller goes before that: then it is cancelled, its answer is dropped, and it counts
 * until then, as it does to the server.
 */
export function createCalls(stream: Pick<SessionStream, "write">, limits: Limits): Calls {
  const allowance = createAllowance(limits);
  const open = new Map<number, Entry>();
  const queue = new Set<Entry>();
  /** Those in the queue that wait. */
  let queuedWaits = 0;
  /** Ids of open calls whose cancelling waits for the stream. */
  const cancels: number[] = [];
  let nextId = 1;
  let answers = 0;
  /** Calls that somebody waits for. */
  let wanted = 0;
  let isBlocked = false;
  let isLeft = false;

  const put = (bytes: Buffer) => {
    if (!stream.write(bytes)) isBlocked = true;
  };
  const write = (entry: Entry) => {
    const { bytes } = entry;
    if (bytes === null) throw new Error("bug: a call is written twice");
    open.set(entry.id, entry);
    if (!entry.waits) allowance.take(entry);
    entry.bytes = null;
    put(bytes);
  };
  const enqueue = (entry: Entry) => {
    queue.add(entry);
    if (entry.waits) queuedWaits++;
  };
  const unqueue = (entry: Entry): boolean => {
    if (!queue.delete(entry)) return false;
    if (entry.waits) queuedWaits--;
    return true;
  };
  const pump = () => {
    let isFull = false;
    for (const entry of queue) {
      if (isBlocked || (isFull && queuedWaits === 0)) return;
      isFull ||= !allowance.hasRoom(entry);
      if (isFull && !entry.waits) continue;
      unqueue(entry);
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
  const drop = (entry: Entry): SessionCall | null => {
    unqueue(entry);
    if (entry.waits) allowance.give(entry);
    return release(entry);
  };
  const giveUp = (entry: Entry, error: ConnectError) => {
    if (queue.has(entry)) {
      drop(entry)?.failed(error);
      return;
    }
    const call = release(entry);
    if (isBlocked) cancels.push(entry.id);
    else put(encodeCancel(entry.id));
    call?.failed(error);
  };
  const leave = () => {
    isLeft = true;
    for (const entry of queue) drop(entry)?.elsewhere();
  };

  return {
    send(call) {
      const { signal } = call;
      if (signal?.aborted || (isLeft && !(call.isBehind && open.size > 0))) return false;
      const bytes = encodeCall(nextId, call);
      const waits = call.waitMs > 0;
      const size = bytes.length;
      const owedMs = owedMsOf(call);
      const entry: Entry = { id: nextId, waits, size, answersBefore: answers, owedMs, bytes, call, onAbort: null };
      if (!allowance.admits(entry)) return false;
      nextId++;
      if (signal !== undefined) {
        entry.onAbort = () => giveUp(entry, cancelled(signal));
        signal.addEventListener("abort", entry.onAbort, { once: true });
      }
      wanted++;
      if (waits) allowance.take(entry);
      const isNext = waits || queue.size === queuedWaits;
      if (!isBlocked && isNext && allowance.hasRoom(entry)) write(entry);
      else enqueue(entry);
      return true;
    },

    onAnswer({ id, answer }) {
      const entry = open.get(Number(id));
      if (entry === undefined) return false;
      open.delete(entry.id);
      answers++;
      allowance.give(entry);
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
      let isSilent = false;
      for (const entry of [...open.values(), ...queue]) {
        const { call } = entry;
        if (call === null) continue;
        if (entry.owedMs <= nowMs) {
          entry.owedMs = Number.POSITIVE_INFINITY;
          isSilent ||= entry.answersBefore === answers;
        }
        if (call.endMs <= nowMs) giveUp(entry, new ConnectError("the call's time is over", Code.DeadlineExceeded));
        else nextMs = Math.min(nextMs, entry.owedMs, call.endMs);
      }
      return { nextMs, isSilent };
    },

    leave,

    fail(error) {
      for (const entry of queue) drop(entry)?.failed(error);
      for (const entry of open.values()) release(entry)?.failed(error);
    },

    end(error) {
      leave();
      for (const entry of open.values()) {
        const call = release(entry);
        if (error === null) call?.elsewhere();
        else call?.failed(error);
      }
      open.clear();
    },

    isIdle: () => wanted === 0,
    isEmpty: () => open.size === 0,
    get answers() {
      return answers;
    },
  };
}

/**
 * A claim that waits is answered at the end of its wait at the latest, and judged a little after that; any other call is
 * judged when its own time is over, for a server may stand still for a while.
 */
function owedMsOf({ waitMs, timeoutMs, endMs }: SessionCall): number {
  if (endMs === Number.POSITIVE_INFINITY || timeoutMs - waitMs < SILENT_MS) return Number.POSITIVE_INFINITY;
  return waitMs === 0 ? endMs : endMs - timeoutMs + waitMs + SILENT_MS;
}
