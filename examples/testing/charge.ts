// What charge.test.ts tests: an order is charged once, whoever asks for it and however often.
import type { Holdfast } from "holdfast/client";

export interface Order {
  readonly id: string;
  readonly amount: number;
}

export interface Charge {
  readonly id: string;
}

/** The provider of payments; the second argument is its own idempotency key. */
export interface Payments {
  charge(order: Order, idempotencyKey: string, signal: AbortSignal): Promise<Charge>;
  find(chargeId: string): Promise<Charge | undefined>;
}

export async function chargeOnce(holdfast: Holdfast, payments: Payments, order: Order): Promise<Charge> {
  const work = { scope: "charge", key: order.id, input: order, onLeaseExpiry: "hold" } as const;
  const { value } = await holdfast.once(work, async (attempt) => {
    const charge = await payments.charge(order, attempt.keyFor("payments"), attempt.signal);
    await attempt.setExternalRef(charge.id);
    return charge;
  });
  return value;
}

/** Finds out what became of a charge whose worker has died: the provider knows. */
export async function reconcileCharge(holdfast: Holdfast, payments: Payments, order: Order): Promise<string> {
  const found = await holdfast.reconcile<Charge>({ scope: "charge", key: order.id }, async ({ externalRef }) => {
    const charge = externalRef === "" ? undefined : await payments.find(externalRef);
    return charge === undefined ? { unknown: true } : { done: charge };
  });
  return found.kind === "settled" ? found.verdict : found.kind;
}
