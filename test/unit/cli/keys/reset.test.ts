import { expect, test } from "vitest";
import { RecordState } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { acquire, HOLD, KEY, methods, resultOf } from "../../rpc/bundle.ts";
import { commandStand } from "./stand.ts";

const RESET = ["keys", "reset", KEY.key, "--scope", KEY.scope, "--reason", "ticket 7"];

test("keys reset wipes no result that came after it had looked, though its fence is the one that it saw", async () => {
  let isFirst = true;
  const own = await commandStand({
    through: (store) => ({
      ...store,
      async reset(call, deadline) {
        if (isFirst) await stand.own.call(methods.complete, { handle, result: resultOf("paid") });
        isFirst = false;
        return store.reset(call, deadline);
      },
    }),
  });
  await using stand = own;
  const { handle } = await acquire(stand.own, HOLD);
  stand.own.pass(31_000);
  const reset = await stand.run(RESET);
  expect(reset).toMatchObject({ code: 5, error: expect.stringContaining("(RECORD_CHANGED)") });
  expect((await stand.own.call(methods.getRecord, { key: KEY })).record?.state).toBe(RecordState.COMPLETED);
});
