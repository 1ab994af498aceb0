/** What befalls one call. */
export interface Mishap {
  readonly losesRequest: boolean;
  readonly losesAnswer: boolean;
  readonly requestDelayMs: number;
  readonly answerDelayMs: number;
}

type Kind = "lose-request" | "lose-answer" | "delay-request" | "delay-answer";

interface Planned {
  readonly kind: Kind;
  /** Undefined: of any method. */
  readonly method: string | undefined;
  readonly ms: number;
}

/** What is to befall calls that have not come yet. */
export interface Mishaps {
  plan(kind: Kind, method: string | undefined, ms?: number): void;
  /** For a call of this method: of each kind the one that was planned first, which is used up by that. */
  take(method: string): Mishap;
}

export function createMishaps(): Mishaps {
  const planned: Planned[] = [];
  const takeOne = (kind: Kind, method: string): Planned | undefined => {
    const index = planned.findIndex((each) => each.kind === kind && (each.method ?? method) === method);
    return index === -1 ? undefined : planned.splice(index, 1)[0];
  };
  return {
    plan: (kind, method, ms = 0) => void planned.push({ kind, method, ms }),
    take: (method) => ({
      losesRequest: takeOne("lose-request", method) !== undefined,
      losesAnswer: takeOne("lose-answer", method) !== undefined,
      requestDelayMs: takeOne("delay-request", method)?.ms ?? 0,
      answerDelayMs: takeOne("delay-answer", method)?.ms ?? 0,
    }),
  };
}
