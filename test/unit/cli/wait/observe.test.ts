import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { observe, type Watch } from "../../../../src/cli/wait/observe.ts";
import { TimeoutError, type WaitEvent } from "../../../../src/client/client.ts";
import { toHoldfastError } from "../../../../src/client/wire-error.ts";

const GONE = toHoldfastError(new ConnectError("connect ECONNREFUSED 127.0.0.1:7400", Code.Unavailable));
const REFUSED = toHoldfastError(new ConnectError("there is no such record", Code.NotFound));

const SNAPSHOT = { kind: "snapshot", record: undefined } as unknown as WaitEvent;
const ENDED = { kind: "ended" } as WaitEvent;

/** A server's side of a wait: what it tells, and what it ends with. */
function telling(events: readonly WaitEvent[], error?: unknown) {
  const timeouts: (number | undefined)[] = [];
  return {
    timeouts,
    async *waitFor(_targets: unknown, { timeoutMs }: { readonly timeoutMs?: number } = {}) {
      timeouts.push(timeoutMs);
      yield* events;
      if (error !== undefined) throw error;
    },
  };
}

function watching(first: ReturnType<typeof telling>, later = telling([], new Error("not to be asked"))) {
  const told: string[] = [];
  const nows = [0, 0, 12_000];
  const clock = { monotonicMs: () => nows.shift() ?? 12_000 };
  const watch: Watch = {
    ...{ target: { scope: "s", key: "k" }, timeoutMs: 120_000, mustExist: false },
    ...{ signal: new AbortController().signal, onChange: (text) => void told.push(text) },
  };
  return { told, later, observed: observe({ first, later, clock } as never, watch) };
}

test("a server that goes away after it has answered is waited for, for what is left of the time", async () => {
  const { told, later, observed } = watching(telling([SNAPSHOT], GONE), telling([SNAPSHOT, ENDED]));
  expect(await observed).toEqual({ kind: "ended" });
  expect(later.timeouts).toEqual([108_000]);
  expect(told).toContain("the server does not answer any more");
});

test("one that does not come back is told at the timeout", async () => {
  const over = new TimeoutError(108_000, undefined, { cause: GONE }, "1 of 1 records have not ended");
  const { observed } = watching(telling([SNAPSHOT], GONE), telling([], over));
  expect(await observed).toEqual({ kind: "timed-out", last: "absent", cause: GONE });
});

test("a server that has never answered is given up", async () => {
  await expect(watching(telling([], GONE)).observed).rejects.toBe(GONE);
});

test("what asking again cannot help is told at once", async () => {
  await expect(watching(telling([SNAPSHOT], REFUSED)).observed).rejects.toBe(REFUSED);
});
