import { expect, test } from "vitest";
import { createCounting, HONEST_WAYS, STALLED_MS } from "../../../../proof/hostile/stand/counting.ts";
import { shareOf } from "../../../../proof/hostile/stand/honest.ts";

function createScene() {
  let nowMs = 0;
  const counting = createCounting(() => nowMs);
  return { ...counting, pass: (ms: number) => (nowMs += ms), share: () => shareOf(counting.take()) };
}

test("a call counts when it ends, in the period in which it ends", () => {
  const { begin, pass, share } = createScene();
  const end = begin("gRPC");
  pass(STALLED_MS);
  expect(share()).toMatchObject({ calls: 0, served: { gRPC: 0 } });
  pass(10);
  end("the connection is gone");
  begin("gRPC")(null);
  expect(share()).toMatchObject({ calls: 2, failed: 1, served: { gRPC: 1 }, success: { gRPC: 0.5 } });
  expect(share()).toMatchObject({ calls: 0, failed: 0 });
});

test("a server that answers nobody serves nobody, although no call has ended", () => {
  const { begin, pass, share } = createScene();
  for (const way of HONEST_WAYS) begin(way);
  pass(STALLED_MS + 1);
  expect(share()).toMatchObject({
    ...{ calls: 3, failed: 3, success: { gRPC: 0, "Connect JSON": 0, Session: 0 }, p99Ms: STALLED_MS + 1 },
    failures: ["no answer, and more than 2 s have passed"],
  });
});

test("a call that is open for long is a failure once, and what it comes to in the end counts too", () => {
  const { begin, pass, share } = createScene();
  const end = begin("Session");
  pass(STALLED_MS + 1);
  expect(share()).toMatchObject({ failed: 1 });
  pass(STALLED_MS);
  expect(share()).toMatchObject({ calls: 0 });
  end("no answer in time");
  expect(share()).toMatchObject({ calls: 1, failed: 1 });
});

test("nobody is served where nobody has called", () => {
  expect(createScene().share().success).toEqual({ gRPC: 0, "Connect JSON": 0, Session: 0 });
});
