import type { CallLine, Input, MarkLine, Output } from "../../../../proof/history/format.ts";
import type { Placed } from "../../../../proof/history/history.ts";
import { createServerTimes } from "../../../../proof/history/server-time.ts";
import type { Checked, Validator } from "../../../../proof/history/validators/validator.ts";

/** A history by hand. Instants are in milliseconds: a call at t is answered at t + 1, and decided in between. */
export interface Hand {
  readonly calls: readonly Placed[];
  add(op: CallLine["op"], atMs: number, input: Input, output: Output, more?: Partial<CallLine>): void;
  acquire(atMs: number, claimId: string, fence: number, more?: Partial<Output>, line?: Partial<CallLine>): void;
  complete(atMs: number, fence: number, result: string, more?: Partial<Output>, line?: Partial<CallLine>): void;
  claim(atMs: number, output: Output, line?: Partial<CallLine>): void;
  replay(atMs: number, result: string): void;
}

export const KEPT_MS = 60_000;

export const at = (ms: number): number => ms * 1_000_000;
export const us = (ms: number): number => ms * 1000;

export function hand(): Hand {
  const calls: Placed[] = [];
  const add: Hand["add"] = (op, atMs, input, output, more = {}) => {
    const place = `line ${calls.length + 1}`;
    const call = { call_ns: at(atMs), return_ns: at(atMs + 1), client: "c", process: 1 };
    calls.push({ v: 1, op, ...call, tenant: "t", scope: "s", key: "k", input, output, ...more, place });
  };
  const claim: Hand["claim"] = (atMs, output, line) =>
    add("claim", atMs, { claim_id: `at ${atMs}`, fingerprint: "print", intent: "execute" }, output, line);
  return {
    ...{ calls, add, claim },
    acquire(atMs, claimId, fence, more = {}, line = {}) {
      const input = { claim_id: claimId, fingerprint: "print", intent: "execute" as const };
      const output = { kind: "acquired" as const, reason: "new", token: `token ${fence}`, fence, ...more };
      add("claim", atMs, input, output, { server_time_us: us(atMs), ...line });
    },
    complete(atMs, fence, result, more = {}, line = {}) {
      const output = { kind: "accepted" as const, state: "completed", result_expires_us: us(atMs + KEPT_MS), ...more };
      add("complete", atMs, { token: `token ${fence}`, fence, result }, output, line);
    },
    replay: (atMs, result) => claim(atMs, { kind: "completed", result }),
  };
}

/** What the validator has to say against it. */
export function violationsOf(validator: Validator, history: Hand, marks: readonly MarkLine[] = []) {
  return check(validator, history, marks).violations.map(({ why }) => why);
}

export function check(validator: Validator, { calls }: Hand, marks: readonly MarkLine[] = []): Checked {
  const told = calls.filter(({ server_time_us, return_ns }) => server_time_us !== undefined && return_ns !== null);
  const readings = told.map(({ call_ns, return_ns, server_time_us }) => ({
    ...{ callNs: call_ns, returnNs: return_ns ?? 0, us: server_time_us ?? 0 },
  }));
  const inOrder = calls.toSorted((a, b) => a.call_ns - b.call_ns);
  return validator.check(inOrder, { times: createServerTimes(readings, marks), marks });
}
