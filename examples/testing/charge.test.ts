// Tests of charge.ts against a server in memory: `npx vitest run examples/testing`. Nothing in them waits in real time.
import { ExpiredError, OutcomeUnknownError } from "holdfast/client";
import { createTestServer } from "holdfast/testing";
import { expect, test } from "vitest";
import { type Charge, chargeOnce, type Order, type Payments, reconcileCharge } from "./charge.ts";

const order: Order = { id: "order-1042", amount: 4900 };

/** Charges whatever it is asked for, and remembers it. */
function fakePayments() {
  const charged: Charge[] = [];
  const payments: Payments = {
    async charge() {
      charged.push({ id: `ch_${charged.length + 1}` });
      return charged.at(-1) as Charge;
    },
    find: async (id) => charged.find((charge) => charge.id === id),
  };
  return { payments, charged };
}

test("an order that is charged twice is charged once", async () => {
  await using server = createTestServer();
  const { payments, charged } = fakePayments();
  const [first, second] = await Promise.all([
    chargeOnce(server.client(), payments, order),
    chargeOnce(server.client(), payments, order),
  ]);
  expect(second).toEqual(first);
  expect(charged).toHaveLength(1);
});

test("a lost answer to Complete does not charge again", async () => {
  await using server = createTestServer();
  const { payments, charged } = fakePayments();
  server.faults.loseNextAnswer("complete");
  // The client tries again by itself, after a pause: until() lets the time pass that this takes.
  await server.clock.until(chargeOnce(server.client(), payments, order));
  expect(charged).toHaveLength(1);
  expect(await server.records.get("charge", order.id)).toMatchObject({ state: "completed", attempt: 1 });
});

test("when a worker dies after it has charged, nobody charges again, and the charge is found", async () => {
  await using server = createTestServer();
  const { payments, charged } = fakePayments();
  const worker = server.client();
  server.faults.delayNextRequest(60_000, "complete"); // On its way when the worker dies, and never there.
  void chargeOnce(worker, payments, order);
  await server.clock.advance(0);
  await server.faults.kill(worker);
  await server.clock.advance(30_000); // The lease.

  const holdfast = server.client();
  await expect(chargeOnce(holdfast, payments, order)).rejects.toThrow(OutcomeUnknownError);
  expect(await reconcileCharge(holdfast, payments, order)).toBe("done");
  expect(await chargeOnce(holdfast, payments, order)).toEqual(charged[0]);
  expect(charged).toHaveLength(1);
});

test("whoever asks while it is being charged waits, however long that takes", async () => {
  await using server = createTestServer();
  const { payments, charged } = fakePayments();
  const slow: Payments = {
    ...payments,
    async charge(...args) {
      await server.clock.sleep(5 * 60_000);
      return payments.charge(...args);
    },
  };
  const asked = [1, 2, 3].map(() => chargeOnce(server.client(), slow, order));
  const charges = await server.clock.until(Promise.all(asked));
  expect(charges).toEqual([charged[0], charged[0], charged[0]]);
});

test("a charge is remembered for a day, and on the next one refused", async () => {
  await using server = createTestServer();
  const { payments, charged } = fakePayments();
  const holdfast = server.client();
  await chargeOnce(holdfast, payments, order);
  await server.clock.advance(23 * 3_600_000);
  await chargeOnce(holdfast, payments, order);
  await server.clock.advance(3_600_000);
  await expect(chargeOnce(holdfast, payments, order)).rejects.toThrow(ExpiredError);
  expect(charged).toHaveLength(1);
});
