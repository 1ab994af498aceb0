import type { Peeked } from "../../../src/domain/calls.ts";
import { Fault, type FaultCode } from "../../../src/domain/fault.ts";
import type { Instant } from "../../../src/domain/instant.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { OperatorAnswer } from "../../../src/store/operator-store.ts";
import type { Store } from "../../../src/store/store.ts";
import type { VirtualTime } from "../time.ts";
import { explainClaim, explainFinish, explainHeartbeat, explainPeek } from "./answers.ts";
import { type Judge, nameOf, type Version } from "./judge.ts";
import { sameProof } from "./same.ts";

export interface ExaminerDeps {
  readonly time: VirtualTime;
  readonly judge: Judge;
  readonly databaseNow: () => Instant;
  /** A claim on that server has acquired. */
  readonly acquired: (server: string, key: RecordKey, fence: bigint) => void;
}

/** Looks at answers, each against what its record was while the call was under way. */
export interface Examiner {
  /** A call begins. @param earlierMs its answer may tell of what was so long before it */
  begin(key: RecordKey, what: string, earlierMs?: number): Examination;
  /** The port of a store, each of whose answers is looked at. */
  port(store: Store, server: string): Store;
}

export interface Examination {
  /** Accuses unless one of the versions explains the answer; that one somebody has been told of. */
  explain(find: (versions: readonly Version[], instants: readonly Instant[]) => Version | null): Version | null;
}

/** What a store may answer whatever the record is: the database is away, or there is too much. */
const AWAY: ReadonlySet<FaultCode> = new Set(["STORE_UNAVAILABLE", "OVERLOADED", "DEADLINE_EXCEEDED"]);
/** It was not sent, and nothing of it ever shows. */
const NOT_SENT: ReadonlySet<FaultCode> = new Set(["OVERLOADED", "DEADLINE_EXCEEDED"]);

export function createExaminer({ time, judge, databaseNow, acquired }: ExaminerDeps): Examiner {
  const begin = (key: RecordKey, what: string, earlierMs = 0): Examination => {
    const fromMs = time.nowMs() - earlierMs;
    const fromNow = databaseNow();
    return {
      explain(find) {
        const found = find(judge.window(key, fromMs, time.nowMs()), [fromNow, databaseNow()]);
        if (found === null) judge.accuse(`${nameOf(key)}: ${what}, which nothing explains that it was meanwhile`);
        else judge.acknowledge(key, found);
        return found;
      },
    };
  };

  const passing =
    <Call, Answer>(
      name: string,
      server: string,
      call: (call: Call, deadline: number) => Promise<Answer>,
      keyOf: (call: Call) => RecordKey,
      look: (examination: Examination, call: Call, answer: Answer) => void,
      refused: (call: Call, code: FaultCode) => void = () => undefined,
    ) =>
    async (asked: Call, deadline: number): Promise<Answer> => {
      const examination = begin(keyOf(asked), `a ${name} was answered by the store of ${server}`);
      try {
        const answer = await call(asked, deadline);
        look(examination, asked, answer);
        return answer;
      } catch (error) {
        if (!(error instanceof Fault && AWAY.has(error.code))) {
          judge.accuse(`a ${name} on ${server} failed: ${error instanceof Error ? error.stack : String(error)}`);
        } else refused(asked, error.code);
        throw error;
      }
    };

  const keyOfCall = ({ key }: { readonly key: RecordKey }) => key;

  const operating = <Call extends { readonly key: RecordKey }>(
    name: string,
    server: string,
    call: Operate<Call>,
  ): Operate<Call> =>
    passing(name, server, call, keyOfCall, (examination, _, answer) => {
      if (answer.kind !== "changed-record") return;
      const { lease } = answer.record;
      examination.explain(
        (versions) => versions.find(({ record }) => record !== null && sameProof(record.lease, lease)) ?? null,
      );
    });

  return {
    begin,
    port: (store, server) => ({
      ...store,
      claim: passing(
        "claim",
        server,
        store.claim,
        keyOfCall,
        (examination, call, answer) => {
          if (answer.kind === "acquired") acquired(server, call.key, answer.record.lease.fence);
          examination.explain((versions, now) => explainClaim(versions, call, answer, now));
        },
        ({ token }, code) => (NOT_SENT.has(code) ? judge.deny(token) : judge.giveUp(token)),
      ),
      heartbeat: passing("heartbeat", server, store.heartbeat, keyOfCall, (examination, call, answer) =>
        examination.explain((versions, now) => explainHeartbeat(versions, call, answer, now)),
      ),
      finish: passing("finish", server, store.finish, keyOfCall, (examination, call, answer) =>
        examination.explain((versions, now) => explainFinish(versions, call, answer, now)),
      ),
      peek: passing(
        "peek",
        server,
        store.peek,
        (key: RecordKey) => key,
        (examination, _, answer: Peeked) =>
          examination.explain((versions, now) => explainPeek(versions, null, answer, now)),
      ),
      watch: passing("watch", server, store.watch, keyOfCall, (examination, { state, fence }, isFlagged) => {
        if (!isFlagged) return;
        examination.explain(
          (versions) =>
            versions.find(
              ({ record }) => record?.state === state && record.lease.fence === fence && record.hasWaiters,
            ) ?? null,
        );
      }),
      release: operating("release", server, store.release),
      resolve: operating("resolve", server, store.resolve),
      reset: operating("reset", server, store.reset),
    }),
  };
}

type Operate<Call> = (call: Call, deadline: number) => Promise<OperatorAnswer>;
