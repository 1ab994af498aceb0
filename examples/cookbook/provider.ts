/** A payment provider for the examples: keeps idempotency keys of its own, as the real ones do, and loses answers. */
export interface Charge {
  readonly id: string;
  readonly amount: number;
}

/** The provider's no. It is an answer, unlike an error of the network. */
export class Declined extends Error {
  override readonly name = "Declined";
}

export interface Provider {
  charge(
    order: { readonly amount: number },
    call: { readonly idempotencyKey: string; readonly signal: AbortSignal },
  ): Promise<Charge>;
  find(idempotencyKey: string): Promise<Charge | undefined>;
  /** Whether nothing is, and from now on nothing will be charged for the key. */
  refuse(idempotencyKey: string): Promise<boolean>;
  /** How many cards were charged. */
  charges(): number;
}

export function openProvider({ answersLost = 0 }: { readonly answersLost?: number } = {}): Provider {
  const made = new Map<string, Charge>();
  const refused = new Set<string>();
  let lost = 0;
  return {
    async charge({ amount }, { idempotencyKey, signal }) {
      signal.throwIfAborted();
      if (refused.has(idempotencyKey)) throw new Declined("the key was withdrawn");
      const charge = made.get(idempotencyKey) ?? { id: `ch_${made.size + 1}`, amount };
      made.set(idempotencyKey, charge);
      if (lost++ < answersLost) throw new Error("the connection was lost before the answer came");
      return charge;
    },
    find: async (idempotencyKey) => made.get(idempotencyKey),
    async refuse(idempotencyKey) {
      if (!made.has(idempotencyKey)) refused.add(idempotencyKey);
      return !made.has(idempotencyKey);
    },
    charges: () => made.size,
  };
}
