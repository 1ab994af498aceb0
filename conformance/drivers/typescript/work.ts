import {
  type Attempt,
  notStarted,
  outcomeUnknown,
  retryable,
  terminal,
  type UnknownOutcome,
  type Verdict,
} from "../../../src/client/client.ts";
import { providerKey } from "../../../src/client/node-platform.ts";
import { describeError, Named } from "./errors.ts";
import { given, parse, told } from "./values.ts";

export interface Step {
  readonly do: string;
  readonly value?: string | null;
  readonly base64?: string;
  readonly kind?: "retryable" | "terminal" | "outcome-unknown" | "not-started" | null;
  readonly message?: string;
  readonly delayMs?: number;
  readonly data?: string;
  readonly name?: string;
  readonly fraction?: number;
  readonly ref?: string;
  readonly provider?: string;
  readonly verdict?: string;
}

/** The work, or the judgement, of one call, which the runner does step by step. */
export interface Played<T> {
  /** Settles when the runner has it return or throw. */
  readonly end: Promise<T>;
  step(step: Step): Promise<object>;
}

/** What the work threw itself, by the word of whoever wrote it. */
export class WorkError extends Named {
  constructor(message: string) {
    super("Work", message);
  }
}

export function playWork(attempt: Attempt): Played<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  return {
    end: promise,
    async step(step) {
      switch (step.do) {
        case "return":
          resolve(given(step));
          return {};
        case "throw":
          reject(failureOf(step));
          return {};
        case "checkpoint":
          await attempt.checkpoint(parse(step.data ?? ""), step.name === undefined ? {} : { name: step.name });
          return {};
        case "progress":
          attempt.progress(step.fraction ?? 0, step.message);
          return {};
        case "external-ref":
          await attempt.setExternalRef(step.ref ?? "");
          return {};
        case "derive-key": {
          const provider = step.provider ?? "";
          return { derived: attempt.keyFor(provider), uuid: attempt.keyFor(provider, "uuid") };
        }
        case "await-lost":
          return { why: await lost(attempt.signal) };
        default:
          throw new Named("Unsupported", `no step "${step.do}" of work`);
      }
    },
  };
}

export function playJudge(_: UnknownOutcome): Played<Verdict<unknown>> {
  const { promise, resolve } = Promise.withResolvers<Verdict<unknown>>();
  return {
    end: promise,
    async step(step) {
      if (step.do !== "verdict") throw new Named("Unsupported", `no step "${step.do}" of a judge`);
      resolve(verdictOf(step));
      return {};
    },
  };
}

export function deriveKey(of: { tenant: string; scope: string; key: string; provider: string }) {
  return { derived: providerKey(of, of.provider, "text"), uuid: providerKey(of, of.provider, "uuid") };
}

export function checkpointOf({ lastCheckpoint }: Pick<Attempt, "lastCheckpoint">): string | null {
  return lastCheckpoint === undefined ? null : told(lastCheckpoint.data).value;
}

function failureOf({ kind = null, message = "", delayMs }: Step): unknown {
  const error = new WorkError(message);
  const detail = delayMs === undefined ? {} : { delayMs };
  switch (kind) {
    case null:
      return error;
    case "retryable":
      return retryable(error, detail);
    case "terminal":
      return terminal(error);
    case "outcome-unknown":
      return outcomeUnknown(error);
    case "not-started":
      return notStarted(error, detail);
  }
}

function verdictOf({ verdict, message = "", delayMs, ...step }: Step): Verdict<unknown> {
  const detail = delayMs === undefined ? {} : { delayMs };
  switch (verdict) {
    case "done":
      return { done: given(step) };
    case "failed":
      return { failed: new WorkError(message) };
    case "not-started":
      return { notStarted: true, ...detail };
    case "retry":
      return { retry: delayMs === undefined ? true : detail };
    case "unknown":
      return { unknown: true };
    default:
      throw new Named("Unsupported", `no verdict "${verdict}"`);
  }
}

function lost(signal: AbortSignal): Promise<unknown> {
  const why = () => describeError(signal.reason);
  const told = () => ("why" in why() ? (why() as { readonly why?: unknown }).why : why().error);
  if (signal.aborted) return Promise.resolve(told());
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(told()), { once: true }));
}
