import { expect } from "vitest";
import { createSession, type Left } from "../../../../src/client/session/session.ts";
import { createManualClock } from "../manual-clock.ts";
import { claimCall, createHand, type Hand } from "./hand.ts";

/** A session that is being opened, and what it tells. */
export function start() {
  const clock = createManualClock();
  const told: string[] = [];
  const left: Left[] = [];
  let hand: Hand | undefined;
  const session = createSession({
    clock,
    open(events) {
      hand = createHand(events);
      return hand.stream;
    },
    onOpen: () => told.push("open"),
    onLeft(why) {
      told.push(why.kind);
      left.push(why);
    },
    onEnded: () => told.push("ended"),
  });
  if (hand === undefined) throw new Error("no stream was opened");
  const call = (options?: Parameters<typeof claimCall>[1]) => claimCall(clock.monotonicMs(), options);
  const send = (options?: Parameters<typeof claimCall>[1]) => {
    const sent = call(options);
    expect(session.send(sent)).toBe(true);
    return sent;
  };
  return { clock, session, hand, told, left, call, send };
}

/** One that takes calls. */
export function open(limits?: Parameters<Hand["hello"]>[0]) {
  const all = start();
  all.hand.hello(limits);
  return all;
}
