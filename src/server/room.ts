/**
 * How many bytes of large answers this server holds at a time, on both ports together. Encoding an answer makes a copy
 * of its body, and only then: until it may be encoded, an answer is a view of the one record that was read for all who
 * wait for it. Without a bound, a thousand waiters of a result of 1 MiB are a thousand copies at one instant.
 */
export interface Room {
  /**
   * Asks for room to encode an answer in. On one connection the first to come is the first to be served; connections
   * take turns, and none has more than its share. So readers who do not read hold up their own connection and not the
   * others, who would else wait for each of them to be dismissed.
   *
   * What is larger than the room enters when the room is empty, and what is larger than the share when its connection
   * has nothing in the room: everything is sent some day.
   *
   * @param connection whatever tells one connection from another
   */
  enter(connection: object, bytes: number): Place;
}

export interface Place {
  /** True once there is room; false if it was left before. */
  readonly entered: Promise<boolean>;
  /** Gives the room back, or leaves the queue. A second time it does nothing. */
  leave(): void;
}

export interface RoomOptions {
  readonly bytesMax: number;
  readonly connectionBytesMax: number;
}

/** A connection that has answers in the room or before it. */
interface Lane {
  readonly connection: object;
  bytes: number;
  /** By arrival. A set, because whoever goes may stand anywhere in it. */
  readonly queue: Set<Queued>;
}

interface Queued {
  readonly bytes: number;
  readonly settle: (isEntered: boolean) => void;
}

export function createRoom({ bytesMax, connectionBytesMax }: RoomOptions): Room {
  const lanes = new Map<object, Lane>();
  /** The lanes whose first may enter as soon as the room has space, in the order of their turns. */
  const turns = new Set<Lane>();
  let bytes = 0;

  const lineUp = (lane: Lane) => {
    const [first] = lane.queue;
    if (first !== undefined && fits(lane.bytes, first.bytes, connectionBytesMax)) turns.add(lane);
    else turns.delete(lane);
    if (lane.queue.size === 0 && lane.bytes === 0) lanes.delete(lane.connection);
  };

  const admit = () => {
    for (const lane of turns) {
      const [first] = lane.queue;
      if (first === undefined) throw new Error("bug: a connection has a turn and no answer");
      // Smaller ones behind it wait too, or it would wait for ever.
      if (!fits(bytes, first.bytes, bytesMax)) return;
      lane.queue.delete(first);
      bytes += first.bytes;
      lane.bytes += first.bytes;
      turns.delete(lane);
      lineUp(lane);
      first.settle(true);
    }
  };

  const leave = (lane: Lane, answer: Queued) => {
    if (!lane.queue.delete(answer)) {
      bytes -= answer.bytes;
      lane.bytes -= answer.bytes;
    }
    lineUp(lane);
    answer.settle(false);
    admit();
  };

  return {
    enter(connection, bytes) {
      const lane = lanes.get(connection) ?? { connection, bytes: 0, queue: new Set() };
      lanes.set(connection, lane);
      const { promise: entered, resolve: settle } = Promise.withResolvers<boolean>();
      const answer = { bytes, settle };
      lane.queue.add(answer);
      lineUp(lane);
      admit();
      let isHere = true;
      return {
        entered,
        leave() {
          if (isHere) leave(lane, answer);
          isHere = false;
        },
      };
    },
  };
}

function fits(taken: number, bytes: number, bytesMax: number): boolean {
  return taken === 0 || taken + bytes <= bytesMax;
}
