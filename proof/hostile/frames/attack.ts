import type { Chance } from "../../sim/chance.ts";
import { openRaw, type RawConnection } from "./connection.ts";
import { ping, TYPE } from "./frame.ts";

/** Something that somebody might do to a server. */
export interface Attack {
  readonly name: string;
  /** What it does, in a line of a table. */
  readonly what: string;
  readonly port: "grpc" | "http";
  /** Whoever sends this is to have answers: without any, what it names was not done. */
  readonly isAnswered?: boolean;
  /** Of MiB that a server may keep of it, where it is more than the usual; see README.md. */
  readonly keptMiBMax?: number;
  /** One round: some connections, some hundred frames on each, and then it is over. */
  round(target: Target): Promise<void>;
}

export interface Target {
  readonly chance: Chance;
  /** Of the port that is attacked. */
  readonly address: string;
  readonly port: Attack["port"];
  /** For what needs to get past the door. */
  readonly authorization: string;
  /** Aborted when enough was done: a round ends early. */
  readonly signal: AbortSignal;
  /** What the server did, counted. */
  readonly tally: Tally;
}

export interface Tally {
  connections: number;
  /** Those that the server ended. */
  closed: number;
  goAways: number;
  resets: number;
  answers: number;
}

export function createTally(): Tally {
  return { connections: 0, closed: 0, goAways: 0, resets: 0, answers: 0 };
}

/** Opens a connection, lets `body` do with it what it wants, and counts what came of it. */
export async function onConnection(
  { address, tally }: Target,
  body: (connection: RawConnection) => Promise<void>,
  { answers = true } = {},
): Promise<void> {
  const connection = await openRaw(address, { answers });
  if (connection === null) return;
  tally.connections++;
  try {
    await body(connection);
  } finally {
    if (!connection.isOpen) tally.closed++;
    tally.goAways += connection.count(TYPE.goAway);
    tally.resets += connection.count(TYPE.reset);
    tally.answers += connection.count(TYPE.headers);
    connection[Symbol.dispose]();
  }
}

/** Why it shows nothing; none: it does. */
export function unshownOf(
  { isAnswered = false }: Attack,
  { connections, answers }: Readonly<Tally>,
): readonly string[] {
  if (connections === 0) return ["no connection was opened: nothing was shown"];
  return isAnswered && answers === 0 ? ["no call was answered: nothing was shown"] : [];
}

/** Sends chunks until the server has hung up, they are used up, or enough was done. */
export async function pour(
  { signal }: Pick<Target, "signal">,
  connection: RawConnection,
  count: number,
  chunkOf: (i: number) => Buffer,
): Promise<void> {
  for (let i = 0; i < count && connection.isOpen && !signal.aborted; i++) await connection.send(chunkOf(i));
}

const DIGEST_MS_MAX = 10_000;

/** Resolves when the server has ended so many streams, has hung up, or enough was done. */
export async function allEnded({ signal }: Pick<Target, "signal">, connection: RawConnection, streams: number) {
  while (connection.isOpen && connection.ended() < streams && !signal.aborted) await connection.next(1000);
}

/** Returns when the server has got through what it was sent, and answers a PING, or has hung up. */
export async function digested(connection: RawConnection): Promise<void> {
  const endMs = performance.now() + DIGEST_MS_MAX;
  const before = connection.count(TYPE.ping);
  await connection.send(ping(Buffer.alloc(8, 7)));
  while (connection.isOpen && connection.count(TYPE.ping) === before && performance.now() < endMs) {
    await connection.next(1000);
  }
}

/** Several at once, as attackers are. */
export async function atOnce(count: number, body: (i: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, i) => body(i)));
}

/** Odd, as clients' streams are. */
export const streamOf = (i: number) => 2 * i + 1;
