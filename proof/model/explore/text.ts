import type { Instant } from "../../../src/domain/instant.ts";
import type { Proof, StoredRecord } from "../../../src/domain/record.ts";
import { clientOfId, clientOfOutcome, serverOfToken } from "./calls.ts";
import type { Names } from "./symmetry.ts";
import { type Call, type Client, clientOf, type Entry, recordOf, type World } from "./world.ts";

/**
 * The same text for two worlds of which the same can come, if clients, servers and keys are named so. One character for
 * each number, so that a million of them fit into memory; nothing is hashed, so that no two worlds pass for one.
 *
 * Left out is what nothing reads: when a record was created and its attempt began, since no execution is bounded, and the
 * hour itself. Calls and notifications are in no order.
 */
export function textOf(world: World, names: Names): string {
  const { now, left } = world;
  const write = createWriter(names, now);
  let text = character(Number(world.floor));
  text += character(left.ticks) + character(left.losses) + character(left.crashes) + character(left.beats);
  for (const key of names.keysInOrder) text += write.record(recordOf(world, key));
  for (const client of names.clientsInOrder) text += write.client(clientOf(world, client));
  for (const server of names.serversInOrder) {
    for (const key of names.keysInOrder) text += write.entry(world.entries[server]?.[key]);
  }
  if (world.notes.length > 0)
    text += world.notes
      .map((note) => character(names.note(note)))
      .sort()
      .join("");
  const calls = world.calls.map(write.call);
  return `${text}/${calls.length > 1 ? calls.sort().join("") : (calls[0] ?? "")}`;
}

const FIRST = 48;

function character(value: number): string {
  return String.fromCharCode(FIRST + value);
}

const NEVER = "~";
/** Ten ticks back, fifty ahead. */
const HOUR_ZERO = 10_200;

function timeText(instant: Instant, now: Instant): string {
  if (instant === Number.POSITIVE_INFINITY) return NEVER;
  const code = HOUR_ZERO + Math.round(instant - now);
  if (code < FIRST + 200 || code > 0xffff) throw new Error("bug: a time that has no character");
  return String.fromCharCode(code);
}

const STATES = { "in-progress": "i", available: "a", completed: "c", failed: "f", "outcome-unknown": "u" } as const;
const DOING = { idle: "i", claiming: "c", holding: "h", ending: "e", done: "d" } as const;
const STEPS = {
  ...{ read: "r", insert: "i", reclaim: "e", take: "t", commit: "c", "too-late": "l", tell: "s", wait: "w" },
} as const satisfies Record<Call["step"], string>;
const AT = { off: "o", peek: "p", hear: "h", claim: "c", watch: "w", rest: "r" } as const;

function createWriter({ client, server, key }: Names, now: Instant) {
  const proofText = (proof: Proof | null) =>
    proof === null ? "-" : character(server[serverOfToken(proof.token)] ?? UNNAMED) + character(Number(proof.fence));

  const outcomeText = (bytes: Uint8Array | null) =>
    bytes === null ? "-" : character(client[clientOfOutcome(bytes)] ?? UNNAMED);

  /** Whose it is says the outcome, which every end carries but a give-back's. */
  const digestText = (bytes: Uint8Array | null) => (bytes === null ? "-" : character(bytes[0] ?? 0));

  const idText = (claimId: string) => {
    const owner = clientOfId(claimId);
    return character(client[owner] ?? UNNAMED) + claimId.slice(String(owner).length);
  };

  const record = (stored: StoredRecord | null): string => {
    if (stored === null) return "-";
    const { state, due, forgetAt, hasWaiters, attempt, lease, claimId, suspect, reason } = stored;
    const times = timeText(due, now) + timeText(forgetAt, now);
    const end = (reason?.[0] ?? "-") + digestText(stored.endDigest) + outcomeText(stored.outcome);
    const proofs = proofText(lease) + proofText(suspect) + idText(claimId);
    return `${STATES[state]}${character(attempt)}${hasWaiters ? "w" : "-"}${times}${proofs}.${end}`;
  };

  return {
    record,

    client({ doing, key: own, turn, nonce, lease, end, told, replay, acknowledgedUntil }: Client): string {
      const until = acknowledgedUntil === null ? "-" : timeText(acknowledgedUntil, now);
      const replayed = replay === null ? "-" : outcomeText(replay.outcome) + character(Number(replay.fence));
      const numbers = (own < 0 ? "-" : character(key[own] ?? 0)) + character(turn) + character(nonce);
      return `${DOING[doing]}${numbers}${proofText(lease)}${end ?? ""}${until}${replayed}${doing === "done" ? told : ""}|`;
    },

    entry(entry: Entry | undefined): string {
      if (entry === undefined || entry.at === "off") return "o";
      const { at, rung, seen, seenAt } = entry;
      return AT[at] + (rung ? "!" : "-") + (seen === null ? "-" : record(seen) + timeText(seenAt, now));
    },

    call({ by, turn, nonce, what, at, step, seen, seenAt, out, promoted, granted }: Call): string {
      const numbers = character(client[by] ?? 0) + character(turn) + character(nonce) + character(server[at] ?? 0);
      const when = step === "take" || promoted ? timeText(seenAt, now) : "";
      const lease = granted === null ? "" : proofText(granted.proof) + timeText(granted.due, now);
      return `${what[0]}${numbers}${STEPS[step]}${promoted ? "p" : "-"}${record(seen)}${when}${out}${lease};`;
    },
  };
}

/** A stranger's. */
const UNNAMED = 60;
