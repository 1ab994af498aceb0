import type { Session } from "../../../src/store/postgres/connection.ts";
import { ConnectionLost } from "../../../src/store/postgres/errors.ts";
import type { Process, VirtualTime } from "../time.ts";
import type { Answer, Backend } from "./backend.ts";

/** What can happen to one statement's way to the server and back. */
export type Fate =
  | "well"
  /** The connection breaks before it arrives, or when it has been run. */
  | "cut-before"
  | "cut-after"
  /** From here on nothing arrives, and nobody is told. */
  | "muted";

export interface SessionDeps {
  readonly time: VirtualTime;
  /** Whose session it is: it hears nothing while that stands still. */
  readonly owner: Process;
  readonly backend: Backend;
  readonly latencyMs: () => number;
  readonly fateOf: (statement: string) => Fate;
  readonly tell: (text: string) => void;
  readonly onOver: () => void;
}

/** One connection: what is sent on it arrives in its order. */
export interface SimulatedSession extends Session {
  readonly owner: Process;
  readonly backend: Backend;
  /** Nothing arrives any more, in either direction, and neither side knows. */
  mute(): void;
  /** The server's side ends it. */
  end(cause: Error): void;
  /** The payload arrives like an answer. */
  notified(payload: string, hear: (payload: string) => void): void;
}

const ANSWER_TIMEOUT_MS = 5_000;
/** As `SESSION_SETTINGS` has it: of a transaction that lies between two statements. */
const IDLE_MS_MAX = 5_000;

export function createSession(deps: SessionDeps): SimulatedSession {
  const { time, owner, backend, latencyMs, tell } = deps;
  const over = Promise.withResolvers<Error>();
  let lost: Error | null = null;
  let isMuted = false;
  /** What fails each statement under way, in their order; the time of the first one runs. */
  const underWay = new Set<{ readonly fail: () => void; begin(): void }>();

  const lose = (cause: Error) => {
    if (lost !== null) return;
    lost = cause;
    over.resolve(cause);
    deps.onOver();
    for (const { fail } of [...underWay]) fail();
  };

  /** What nothing arrives of, the server's side does not learn either: it ends what lies there too long. */
  const drop = (cause: Error) => {
    lose(cause);
    if (isMuted) time.after(IDLE_MS_MAX, () => backend.hangUp());
    else backend.hangUp();
  };

  const arrives = (happen: () => void) => () => {
    if (!isMuted && lost === null) happen();
  };
  const there = createWay(deps, time.after);
  const here = createWay(deps, owner.after);
  const toServer = (happen: () => void) => there(arrives(happen));
  const toClient = (happen: () => void) => here(arrives(happen));

  const mute = () => {
    isMuted = true;
  };

  /** The server's side breaks it; the other side is told, unless nothing arrives there. */
  const end = (cause: Error) => {
    backend.kill();
    if (!isMuted) owner.after(latencyMs(), () => lose(cause));
  };

  return {
    owner,
    backend,
    over: over.promise,
    drop,
    mute,
    end,
    notified: (payload, hear) => toClient(() => hear(payload)),

    query<Row>(
      ...[statement, values, answerTimeoutMs = ANSWER_TIMEOUT_MS]: Parameters<Session["query"]>
    ): Promise<readonly Row[]> {
      if (lost !== null) return Promise.reject(new ConnectionLost(lost));
      const { promise, resolve, reject } = Promise.withResolvers<readonly Row[]>();
      const silence = new AbortController();
      const entry = {
        fail: () => leave(() => reject(new ConnectionLost(lost ?? new Error("nobody said why")))),
        begin: () =>
          void owner.clock.sleep(answerTimeoutMs, silence.signal).then(
            () => drop(new Error(`no answer to ${statement.name} within ${answerTimeoutMs} ms`)),
            () => undefined,
          ),
      };
      const leave = (settle: () => void) => {
        const [first] = underWay;
        underWay.delete(entry);
        silence.abort(ANSWERED);
        const [next] = underWay;
        if (first === entry) next?.begin();
        settle();
      };
      if (underWay.add(entry).size === 1) entry.begin();
      const fate = deps.fateOf(statement.name);
      if (fate !== "well") tell(`${FATES[fate]} ${statement.name}`);
      if (fate === "muted") mute();
      if (fate === "cut-before") owner.after(latencyMs(), () => drop(new Error("connection reset by peer")));
      else {
        const answered = (answer: Answer) => {
          if (fate === "cut-after") return end(new Error("connection reset by peer"));
          toClient(() =>
            leave(() => ("error" in answer ? reject(answer.error) : resolve(answer.rows as readonly Row[]))),
          );
        };
        toServer(() => backend.submit(statement.name, values, answered));
      }
      return promise;
    },

    async close() {
      lose(new Error("closed"));
      backend.hangUp();
    },
  };
}

/** A reason of our own: without one, every statement would pay for a DOMException and its stack. */
const ANSWERED = new Error("answered");

const FATES = {
  "cut-before": "the connection breaks before the server has got",
  "cut-after": "the connection breaks when the server has run",
  muted: "from here on nothing arrives on the connection of",
} as const satisfies Record<Exclude<Fate, "well">, string>;

/** One direction: what is sent arrives in its order, also after the other side stood still and finds all of it at once. */
function createWay(
  { time, latencyMs }: Pick<SessionDeps, "time" | "latencyMs">,
  after: VirtualTime["after"],
): (happen: () => void) => void {
  const underWay: (() => void)[] = [];
  let lastMs = 0;
  return (happen) => {
    lastMs = Math.max(lastMs, time.nowMs() + latencyMs());
    underWay.push(happen);
    after(lastMs - time.nowMs(), () => underWay.shift()?.());
  };
}
