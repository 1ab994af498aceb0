import { createHash } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Rpc } from "../../../src/client/runtime.ts";
import { claimOf, completeOf, handleIn, type Key, openCallers, resultIn } from "../calls.ts";
import { CORPUS_TENANTS, corpusOf } from "../corpus.ts";
import type { Row } from "../row.ts";

const PAIRS = { short: 1_500, full: 100_000 };
/** That many at a time, so that those that are next to each other in the corpus meet in one queue and in one batch. */
const AT_ONCE = 256;
/** One in so many has somebody who waits for its end. */
const WAIT_EVERY = 4;
const WAIT_MS = 30_000;
/**
 * Scopes and keys that are the same once they are joined by some separator, escaped, folded, trimmed, normalised or cut;
 * and tenants whose names are the beginnings of scopes. Each is a record of its own: acquired by its first claim, with a
 * result that no other has.
 */
export const separators: Row = {
  id: "F35",
  fault: "scopes and keys that are equal once joined, folded or normalised",
  stand: { tenants: CORPUS_TENANTS },
  // Whoever waits for long would wait for the processor here, and not for an end.
  load: { callers: 6, waitShare: 0 },
  unjudged: ["V5"],
  times: { short: 1, full: 1 },
  control: { kind: "mutant", mutant: "M10", fails: /records shared/ },
  async inject({ stand, recorder, figure, say, isFull, random }) {
    const seed = Math.floor(random() * 2 ** 31);
    const keys = corpusOf(isFull ? PAIRS.full : PAIRS.short, seed);
    const told = { shared: 0, first: "" };
    using callers = openCallers(recorder, "f35");
    const rpcs = stand.servers.map((server) => callers.open(server, { session: true }));
    let next = 0;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let i = next++; i < keys.length; i = next++) {
          const why = await ownRecord({
            key: keys[i] as Key,
            rpc: (turn) => rpcs[(i + turn) % rpcs.length] as Rpc,
            waits: i % WAIT_EVERY === 0,
          });
          if (i % 10_000 === 0) say(`F35: ${i} of ${keys.length}`);
          if (why === null) continue;
          told.shared++;
          told.first ||= `${JSON.stringify(keys[i])} ${why}`;
        }
      }),
    );
    if (told.first !== "") say(`F35: ${told.first}`);
    figure({ name: "scopes and keys", value: keys.length, unit: "", must: { atLeast: keys.length } });
    figure({ name: "records shared", value: told.shared, unit: "", must: { atMost: 0 } });
    figure({
      name: "keys with U+0000 that were taken",
      value: await takenWithNul(rpcs),
      unit: "",
      must: { atMost: 0 },
    });
  },
};

interface Own {
  readonly key: Key;
  /** Another server at each turn. */
  rpc(turn: number): Rpc;
  readonly waits: boolean;
}

/** Null: the record is this key's own. Otherwise why it is not. */
async function ownRecord({ key, rpc, waits }: Own): Promise<string | null> {
  const text = JSON.stringify([key.tenant, key.scope, key.key]);
  const fingerprint = { algorithm: "sha256", digest: createHash("sha256").update(text).digest() };
  const claim = (turn: number, waitMs = 0) => rpc(turn).claim({ ...claimOf(key, { waitMs }), fingerprint });
  const first = await claim(0).catch((error) => ConnectError.from(error));
  if (first instanceof ConnectError) return first.message;
  const handle = handleIn(first);
  if (handle === null) return `is ${first.detail.case} already`;
  const waiting = waits ? claim(1, WAIT_MS) : null;
  waiting?.catch(() => undefined); // Told when it is waited for.
  try {
    await rpc(2).complete(completeOf(handle, text));
    if (waiting !== null && resultIn(await waiting) !== text) return "told who waited for it another's result";
    const again = await claim(2);
    return resultIn(again) === text ? null : `is ${again.detail.case} with another result`;
  } catch (error) {
    return String(error);
  }
}

async function takenWithNul([rpc]: readonly Rpc[]): Promise<number> {
  const keys = [
    { scope: "a\0b", key: "c" },
    { scope: "a", key: "b\0c" },
    { scope: "\0", key: "c" },
    { scope: "a", key: "b\0" },
  ];
  let taken = 0;
  for (const key of keys) {
    const code = await rpc?.claim(claimOf(key)).then(
      () => null,
      (error) => ConnectError.from(error).code,
    );
    if (code !== Code.InvalidArgument) taken++;
  }
  return taken;
}
