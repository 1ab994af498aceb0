import { describe, expect, test } from "vitest";
import type { MarkLine } from "../../../../proof/history/format.ts";
import { fencesRise } from "../../../../proof/history/validators/v1-fences.ts";
import { oneResult } from "../../../../proof/history/validators/v2-one-result.ts";
import { replayed } from "../../../../proof/history/validators/v3-replayed.ts";
import { sameBytes } from "../../../../proof/history/validators/v4-same-bytes.ts";
import { waitsEnd } from "../../../../proof/history/validators/v5-waits-end.ts";
import { ownCanaries } from "../../../../proof/history/validators/v6-canaries.ts";
import { lastLook } from "../../../../proof/history/validators/v7-last-look.ts";
import type { Validator } from "../../../../proof/history/validators/validator.ts";
import { at, type Hand, hand, violationsOf } from "./lines.ts";

interface Row {
  readonly validator: Validator;
  readonly name: string;
  readonly write: (history: Hand) => void;
  readonly marks?: readonly MarkLine[];
}

const VIOLATING: readonly (Row & { readonly why: string })[] = [
  {
    validator: fencesRise,
    name: "one fence for two leases",
    write(history) {
      history.acquire(0, "a", 10);
      history.acquire(5, "b", 10, { token: "other" });
    },
    why: "fence 10 was given to two leases",
  },
  {
    validator: fencesRise,
    name: "one lease for two claims",
    write(history) {
      history.acquire(0, "a", 10);
      history.acquire(5, "b", 10);
    },
    why: "fence 10 was given to two claims",
  },
  {
    validator: fencesRise,
    name: "one token with two fences",
    write(history) {
      history.acquire(0, "a", 10);
      history.acquire(5, "b", 20, { token: "token 10" });
    },
    why: "one token has the fences 10 and 20",
  },
  {
    validator: fencesRise,
    name: "a fence lower than one that was answered before it was asked for",
    write(history) {
      history.acquire(0, "a", 20);
      history.acquire(5, "b", 10);
    },
    why: "fence 10 was answered after fence 20",
  },
  {
    validator: fencesRise,
    name: "a heartbeat of a holder who has been replaced",
    write(history) {
      history.acquire(0, "a", 10);
      history.acquire(5, "b", 20);
      history.add("heartbeat", 10, { fence: 10 }, { kind: "extended", token: "token 10", fence: 10 });
    },
    why: "fence 10 was answered after fence 20",
  },
  {
    validator: oneResult,
    name: "two results",
    write(history) {
      history.acquire(0, "a", 10);
      history.complete(10, 10, "one");
      history.acquire(20, "b", 20);
      history.complete(30, 20, "two");
    },
    why: "two results were accepted",
  },
  {
    validator: oneResult,
    name: "one result by two holders",
    write(history) {
      history.acquire(0, "a", 10);
      history.acquire(5, "b", 20);
      history.complete(10, 10, "one");
      history.complete(30, 20, "one");
    },
    why: "a result was accepted twice",
  },
  {
    validator: oneResult,
    name: "a result and then a failure",
    write(history) {
      history.acquire(0, "a", 10);
      history.complete(10, 10, "one");
      history.add("fail", 20, { token: "token 10", fence: 10 }, { kind: "accepted", state: "failed" });
    },
    why: "a result was accepted, and a failure too",
  },
  {
    validator: replayed,
    name: "a result that is forgotten at once",
    write(history) {
      history.acquire(0, "a", 10);
      history.complete(10, 10, "one");
      history.acquire(20, "b", 20);
    },
    why: "an acknowledged result was followed by new",
  },
  {
    validator: replayed,
    name: "another result than the acknowledged one",
    write(history) {
      history.acquire(0, "a", 10);
      history.complete(10, 10, "one");
      history.replay(20, "two");
    },
    why: "another result than the acknowledged one was replayed",
  },
  {
    validator: replayed,
    name: "a mismatch of the fingerprint that it was claimed with",
    write(history) {
      history.acquire(0, "a", 10);
      history.complete(10, 10, "one");
      history.claim(20, { kind: "refused", reason: "FINGERPRINT_MISMATCH" });
    },
    why: "an acknowledged result was followed by FINGERPRINT_MISMATCH",
  },
  {
    validator: sameBytes,
    name: "a result that nobody has sent",
    write(history) {
      history.complete(10, 10, "one");
      history.replay(20, "0ne");
    },
    why: "no call had sent the result that was replayed",
  },
  {
    validator: sameBytes,
    name: "a result that was sent only afterwards",
    write(history) {
      history.replay(5, "one");
      history.complete(10, 10, "one");
    },
    why: "no call had sent the result that was replayed",
  },
  {
    validator: waitsEnd,
    name: "a wait that goes on for longer than 1.5 s",
    write(history) {
      history.add("wait_for", 0, {}, { kind: "completed" }, { return_ns: at(1512) });
      history.complete(10, 10, "one");
    },
    why: "a wait missed an end",
  },
  {
    validator: waitsEnd,
    name: "a wait that was given up without having been told",
    write(history) {
      history.add("wait_for", 0, {}, { kind: "unknown", gave_up_ns: at(5000) }, { return_ns: null });
      history.complete(10, 10, "one");
    },
    why: "a wait missed an end",
  },
  {
    validator: waitsEnd,
    name: "a wait that goes on for long after a trouble that was over soon",
    write(history) {
      history.add("wait_for", 0, {}, { kind: "finish", reason: "timeout" }, { return_ns: at(9000) });
      history.complete(10, 10, "one");
    },
    marks: [{ v: 1, mark: "trouble", from_ns: at(5), to_ns: at(105) }],
    why: "a wait missed an end",
  },
  {
    validator: waitsEnd,
    name: "a wait that goes on for long after a trouble that began just before it would have been late",
    write(history) {
      history.add("wait_for", 0, {}, { kind: "finish", reason: "timeout" }, { return_ns: at(9000) });
      history.complete(10, 10, "one");
    },
    marks: [{ v: 1, mark: "trouble", from_ns: at(1400), to_ns: at(1401) }],
    why: "a wait missed an end",
  },
  {
    validator: waitsEnd,
    name: "a wait that goes on for long while another server was down",
    write(history) {
      history.add("wait_for", 0, {}, { kind: "completed" }, { return_ns: at(1600), server: "one:1" });
      history.complete(10, 10, "one");
    },
    marks: [{ v: 1, mark: "server-down", server: "two:2", from_ns: at(5), to_ns: at(1500) }],
    why: "a wait missed an end",
  },
  {
    validator: waitsEnd,
    name: "a claim that waits on after the end of its record",
    write(history) {
      history.claim(0, { kind: "in-progress" }, { input: { wait_ms: 5000 }, return_ns: at(5000) });
      history.complete(10, 10, "one");
    },
    why: "a wait missed an end",
  },
  {
    validator: ownCanaries,
    name: "another tenant's canary",
    write(history) {
      history.add("claim", 0, {}, { kind: "completed" }, { canaries: ["t", "other"] });
    },
    why: "an answer to t holds what is other's",
  },
  {
    validator: lastLook,
    name: "an acknowledged result that is not in the record",
    write(history) {
      history.acquire(0, "a", 10);
      history.complete(10, 10, "one");
      history.add("get_record", 50, {}, { kind: "record", state: "in-progress", fence: 10 });
    },
    why: "a result was acknowledged, and the record is in-progress",
  },
  {
    validator: lastLook,
    name: "a fence below an acknowledged one",
    write(history) {
      history.acquire(0, "a", 10);
      history.acquire(5, "b", 20);
      history.add("get_record", 50, {}, { kind: "record", state: "in-progress", fence: 10 });
    },
    why: "fence 20 was acknowledged, and the record's is 10",
  },
];

describe("a validator finds", () => {
  test.each(VIOLATING)("$validator.id: $name", ({ validator, write, marks, why }) => {
    const history = hand();
    write(history);
    expect(violationsOf(validator, history, marks)).toEqual([why]);
  });
});
