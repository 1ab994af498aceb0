/**
 * Writes a log of webhook deliveries as a payment provider sends them: at least once, out of order, some at the same
 * moment, a few with another payload under an old id. The same seed gives the same bytes.
 *
 *   node scripts/generate-deliveries.ts [seed] > examples/deliveries/deliveries.ndjson
 */
import { createRandom, type Random } from "../src/cli/demo/random.ts";

export interface LogShape {
  readonly seed: string;
  /** Different events. */
  readonly events: number;
  /** Lines, the altered ones included. */
  readonly deliveries: number;
  /** Lines whose payload is not the one that their id was first sent with. */
  readonly altered: number;
}

/** The log that is committed. */
export const committedShape: LogShape = { seed: "holdfast", events: 1_000, deliveries: 5_000, altered: 7 };

interface Charge {
  readonly customer: string;
  readonly amount: number;
  readonly currency: string;
  readonly created: string;
}

interface Event {
  readonly id: string;
  readonly type: string;
  readonly payload: Charge;
  /** Seconds into the log. */
  readonly at: number;
}

interface Line {
  /** Seconds into the log; the lines are sorted by it. */
  readonly at: number;
  readonly text: string;
}

const LOG_SECONDS = 3_600;
const LOG_START = Date.UTC(2026, 0, 15, 9);

/** One copy in this many goes out in the same instant, on a second connection of the provider. */
const CONCURRENT_ONE_IN = 16;

/** How long after the event the other copies go out: the provider's retries. */
const RETRY_SECONDS = [20, 60, 180, 600, 1_200] as const;

/** An altered copy comes when its event is long settled. */
const ALTERED_AFTER_SECONDS = 1_500;

const TYPES = ["charge.succeeded", "invoice.paid", "payment_intent.succeeded", "subscription.renewed"] as const;
const CURRENCIES = ["eur", "usd", "gbp", "chf"] as const;

export function generateDeliveries(shape: LogShape): string {
  const random = createRandom(shape.seed);
  const events = Array.from({ length: shape.events }, (_, index) => makeEvent(random, index, shape.events));
  const lines: Line[] = events.map((event) => deliver(event, event.at));
  while (lines.length < shape.deliveries - shape.altered) {
    const event = pick(random, events);
    const concurrent = random.below(CONCURRENT_ONE_IN) === 0;
    const delay = concurrent ? 0 : pick(random, RETRY_SECONDS) * (0.8 + random.fraction() * 0.4);
    lines.push(deliver(event, event.at + delay, random.below(5) === 0));
  }
  for (let n = 0; n < shape.altered; n++) {
    // From the first half, so that its line comes after the event's own and not behind the end of the log.
    const event = events[random.below(Math.max(1, Math.floor(shape.events / 2)))] ?? pick(random, events);
    const payload = { ...event.payload, amount: event.payload.amount * 10 };
    lines.push(deliver({ ...event, payload }, event.at + ALTERED_AFTER_SECONDS));
  }
  lines.sort((a, b) => a.at - b.at);
  return `${lines.map((line) => line.text).join("\n")}\n`;
}

function makeEvent(random: Random, index: number, events: number): Event {
  // Up to a minute off: the provider's own workers do not send in the order of what happened either.
  const at = (index / events) * LOG_SECONDS + random.fraction() * 60;
  const created = new Date(LOG_START + Math.floor((index / events) * LOG_SECONDS) * 1_000).toISOString();
  return {
    id: `evt_${random.hex(20)}`,
    type: pick(random, TYPES),
    payload: {
      customer: `cus_${random.hex(12)}`,
      amount: 100 + random.below(50_000),
      currency: pick(random, CURRENCIES),
      created,
    },
    at,
  };
}

/** `reordered` writes the payload's members the other way round: the same payload to anybody who reads JSON. */
function deliver(event: Event, at: number, reordered = false): Line {
  const { id, type } = event;
  const payload = reordered ? Object.fromEntries(Object.entries(event.payload).reverse()) : event.payload;
  return { at, text: JSON.stringify({ id, type, payload }) };
}

function pick<T>(random: Random, from: readonly [T, ...T[]] | readonly T[]): T {
  const picked = from[random.below(from.length)];
  if (picked === undefined) throw new Error("bug: picked from nothing");
  return picked;
}

if (import.meta.main) {
  const seed = process.argv[2] ?? committedShape.seed;
  process.stdout.write(generateDeliveries({ ...committedShape, seed }));
}
