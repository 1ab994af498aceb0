import { DURATIONS, SIZES } from "../domain/limits.ts";

/** What the servers bound and nobody has to configure. */

/** A request whose message has not wholly arrived after this time is closed: nobody may hold a call open by silence. */
export const REQUEST_MS_MAX = 10_000;

/** How often the age of unfinished requests is looked at. */
export const REQUEST_CHECK_MS = 1000;

/** The longest deadline that is told apart from none: what fits a timer of Node, 24.8 days. */
export const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** How often the age of gRPC connections, and what their peers owe us, is looked at. */
export const CONNECTION_CHECK_MS = 1000;

/**
 * A gRPC peer that was not heard of for so long is sent a PING, and its connection is cut when that is not acknowledged
 * in time. With two looks in between, a peer that vanishes without a word is found after 32 s at the latest.
 */
export const KEEPALIVE_MS = 20_000;
export const KEEPALIVE_TIMEOUT_MS = 10_000;

/** How long calls in flight may go on after their connection has reached its age: the longest wait of a claim, and room. */
export const CONNECTION_AGE_GRACE_MS = DURATIONS.wait.maxMs + 10_000;

/**
 * How long after its answer a caller is left alone before it is asked for a sign of life. Somebody who prints the answer
 * and exits while a PING lies unread in its socket makes its kernel reset the connection, as if it had never read the
 * answer: of 24 such callers 17 did when the PING went out at once, none when it waited for a second.
 */
export const ANSWER_SETTLE_MS = 1000;

/** A reader that does not take one message within this time is let go. */
export const SLOW_READER_MS = 30_000;

const MIB = 1024 * 1024;

/**
 * How much of large answers is on its way at a time, see room.ts. What encoding uses and lets lie until it is collected
 * comes on top: with a result of 1 MiB for 400 or for 1600 waiters the process grows by 210 MiB, and without any bound
 * by 630 MiB for 400. One connection has a quarter at most: a link that takes that in `SLOW_READER_MS` is not slow.
 */
export const ROOM = { bytesMax: 64 * MIB, connectionBytesMax: 16 * MIB } as const;

/**
 * How much of requests is unpacked at a time, each counted as the largest that it may become: 25 on a port, and 6 on a
 * connection, which keeps the threads that unpack busy.
 */
export const UNPACKING = { bytesMax: 32 * MIB, connectionBytesMax: 8 * MIB } as const;

/** Smaller answers need no room: ten thousand at one instant, as many as may wait, are less than 160 MiB. */
export const LARGE_ANSWER_BYTES_MIN = 16 * 1024;

/**
 * Of one session: calls that may be open, and the bytes of their messages, and the same of claims with a wait, see
 * session-tally.ts. A thousand calls under way fill several batches of the database; and twice as many small answers
 * that nobody takes are less than 32 MiB. Of claims that wait as many as a tenant may have here, unless it has others.
 */
export const SESSION = {
  callsMax: 1024,
  requestBytesMax: 16 * MIB,
  waitsMax: 10_000,
  waitBytesMax: 16 * MIB,
} as const;

/** Of one message of a session: the largest request of a call, and what is around it. */
export const SESSION_MESSAGE_BYTES_MAX = SIZES.messageBytesMax + 1024;

/**
 * After so many messages of a session, or so many bytes of them, the rest of the process has its turn: less than a
 * millisecond of decoding for small calls, some milliseconds for the largest message.
 */
export const SESSION_TURN = { messagesMax: 256, bytesMax: MIB } as const;

/** So many bytes of answers are handed over to HTTP/2 at once, if there are so many: a reader who takes that is not slow. */
export const SESSION_WRITE_BYTES_MAX = 64 * 1024;

/**
 * An HTTP/1.1 connection on which nothing is under way for so long is probed by the kernel: 10 times, a second apart,
 * which Node does not let anybody choose. A peer that has vanished is found after 30 s.
 */
export const TCP_KEEPALIVE_MS = 20_000;

/** An idle HTTP connection is kept for longer than the minute that common load balancers keep theirs. */
export const HTTP_KEEPALIVE_MS = 65_000;

/** How often it is looked whether the database is there. */
export const PROBE_INTERVAL_MS = 250;

/** Beyond drain delay and grace: what stopping may take before the process ends all the same. */
export const STOP_SLACK_MS = 5000;

/** Of each kind, in one pass of the sweeper: a few milliseconds of row locks. */
export const SWEEP_RECORDS_MAX = 2000;

/** How long a start waits for a database that has accepted a connection to become usable. */
export const START_MS_MAX = 15_000;

/**
 * What a process has of a database: lanes and a listener; of main more lanes, and a listener for changes of tenants, see
 * docs/scaling.md. And what there is to be room for besides: a `holdfast` command, a look into the database.
 */
export const CONNECTIONS = { main: 14, placement: 11, spare: 3 } as const;

/** More processes than this are more servers: what one primary can hand connections to, and one page of metrics add up. */
export const WORKERS_MAX = 64;

/** How long a scrape waits for the figures of a worker; then it takes what that has counted last, and no gauges of it. */
export const TELLING_MS_MAX = 1000;

/** A worker that has served for so long was sound, and what ended it is no reason to wait with another. */
export const WORKER_STEADY_MS = 30_000;

/** Before the second worker in a row of short-lived ones, doubled for each further one. */
export const WORKER_PAUSE_MS = 250;
export const WORKER_PAUSE_MS_MAX = 10_000;

/** So many workers in a row that end before they serve are no accident. */
export const WORKER_STARTS_MAX = 5;

/**
 * How often a worker is asked for a sign of life, and how many looks in a row may pass without one before it is killed:
 * 30 s. A worker that has more to do than it can is behind by seconds, and refuses claims by then; a machine that swaps or
 * is moved stands still for longer, but then the looks do too. Callers of a worker that is killed in error lose their calls.
 */
export const WORKER_LOOK_MS = 5000;
export const WORKER_LOOKS_MAX = 6;

/**
 * How long a worker waits for the page that the primary puts together: for the one under way and the one after it, each of
 * which may wait for a worker, and room. A scraper waits for 10 s, if nobody has told it otherwise.
 */
export const WORKERS_PAGE_MS_MAX = 5000;

/** What a worker has of memory with nothing to do is some 150 MiB; with less than this, work alone would be too much. */
export const WORKER_MEMORY_BYTES_MIN = 192 * MIB;
