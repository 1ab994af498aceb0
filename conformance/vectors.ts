import { readFileSync } from "node:fs";

export const VECTOR_FILES = ["fingerprints", "keys", "retries", "errors"] as const;

export type VectorFile = (typeof VECTOR_FILES)[number];

/** A vector as the protocol asks for it, and what the answer must have in it. */
export interface Vector {
  readonly name: string;
  readonly op: string;
  readonly ask: Readonly<Record<string, unknown>>;
  /** Of a refusal, the error. */
  readonly expected: Readonly<Record<string, unknown>>;
}

type Entry = Readonly<Record<string, unknown>> & { readonly name: string };

export function vectorsOf(file: VectorFile): readonly Vector[] {
  const text = readFileSync(new URL(`vectors/${file}.json`, import.meta.url), "utf8");
  return (JSON.parse(text) as readonly Entry[]).flatMap((entry) => READERS[file](entry));
}

const READERS: Readonly<Record<VectorFile, (entry: Entry) => readonly Vector[]>> = {
  fingerprints({ name, json, base64, canonical = null, algorithm, digest, refused }) {
    const ask = json === undefined ? { base64 } : { json };
    const expected = refused === true ? { error: "InvalidInput" } : { algorithm, digest, canonical };
    return [{ name, op: "fingerprint", ask, expected }];
  },

  keys({ tenant, scope, key, provider, derived, uuid }) {
    const name = [tenant, scope, key, provider].map((text) => String(text).slice(0, 20)).join(" / ");
    return [{ name, op: "derive-key", ask: { tenant, scope, key, provider }, expected: { derived, uuid } }];
  },

  retries({ name, again, leastDelayMs, ...ask }) {
    const { code, reason, retryAfterMs } = ask;
    return [{ name, op: "retry", ask: { code, reason, retryAfterMs }, expected: { again, leastDelayMs } }];
  },

  errors({ name, error, lease, why, ...ask }) {
    const same = { code: ask["code"], reason: ask["reason"], retryAfterMs: ask["retryAfterMs"] };
    const expected = { ...same, violations: ask["violations"] };
    const leased = { error: lease ?? error, ...(why !== undefined && { why }) };
    return [
      { name, op: "error", ask: { ...ask, lease: false }, expected: { ...expected, error } },
      {
        name: `${name}, with a lease`,
        op: "error",
        ask: { ...ask, lease: true },
        expected: { ...expected, ...leased },
      },
    ];
  },
};
