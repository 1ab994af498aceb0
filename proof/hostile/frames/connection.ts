import { connect } from "node:net";
import { FLAG, frame, TYPE } from "./frame.ts";

/** A TCP connection on which anything may be sent. What comes back is counted and thrown away. */
export interface RawConnection extends Disposable {
  /** Resolves when the kernel has taken it, or the server has hung up. */
  send(bytes: Buffer): Promise<void>;
  /** Reads nothing any more: what the server sends stays with it. */
  stopReading(): void;
  readonly isOpen: boolean;
  /** Frames of the server by type; what answers over HTTP/1.1 counts as HEADERS. */
  count(type: number): number;
  /** Streams that the server has ended, well or with a reset. */
  ended(): number;
  /** What the server does next: it sends a frame, or hangs up. Resolves after `ms` at the latest. */
  next(ms: number): Promise<void>;
  /** Ends as most clients do that crash. */
  break(): void;
}

export interface RawOptions {
  /** Acknowledges settings and pings of the server, as whoever wants to stay must. */
  readonly answers: boolean;
}

export function openRaw(address: string, { answers }: RawOptions): Promise<RawConnection | null> {
  const { hostname: host, port } = new URL(address.includes("://") ? address : `http://${address}`);
  const socket = connect({ host, port: Number(port) });
  const counts = new Map<number, number>();
  const ended = new Set<number>();
  let rest: Buffer = Buffer.alloc(0);
  let isOpen = true;
  let isHttp2 = true;
  let waiting: (() => void)[] = [];
  const wake = () => {
    const woken = waiting;
    waiting = [];
    for (const go of woken) go();
  };

  const take = (type: number, flags: number, stream: number, payload: Buffer) => {
    counts.set(type, (counts.get(type) ?? 0) + 1);
    if (type === TYPE.reset || ((type === TYPE.headers || type === TYPE.data) && flags & FLAG.endStream))
      ended.add(stream);
    if (!answers || flags & FLAG.ack) return;
    if (type === TYPE.settings) socket.write(frame(TYPE.settings, FLAG.ack, 0));
    else if (type === TYPE.ping) socket.write(frame(TYPE.ping, FLAG.ack, 0, payload));
  };

  /** Answers begin with their version; one that is cut in just that place is not missed by anybody. */
  const countHttp1 = (bytes: Buffer) => {
    const answers = bytes.toString("latin1").match(/HTTP\/1\.1 \d/g)?.length ?? 0;
    counts.set(TYPE.headers, (counts.get(TYPE.headers) ?? 0) + answers);
  };

  socket.on("data", (chunk) => {
    wake();
    if (!isHttp2) {
      countHttp1(chunk);
      return;
    }
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    // An answer of HTTP/1.1, which is no frame of a length that could be.
    if (counts.size === 0 && bytes.subarray(0, 5).equals(HTTP1)) {
      isHttp2 = false;
      countHttp1(bytes);
    }
    for (; isHttp2 && bytes.length >= 9; ) {
      const end = 9 + bytes.readUIntBE(0, 3);
      if (bytes.length < end) break;
      take(bytes.readUInt8(3), bytes.readUInt8(4), bytes.readUInt32BE(5), bytes.subarray(9, end));
      bytes = bytes.subarray(end);
    }
    rest = bytes;
  });
  const { promise, resolve } = Promise.withResolvers<RawConnection | null>();
  socket.on("error", () => undefined);
  socket.on("close", () => {
    isOpen = false;
    wake();
    resolve(null);
  });
  const connection: RawConnection = {
    get isOpen() {
      return isOpen;
    },
    send(bytes) {
      if (!isOpen) return Promise.resolve();
      return new Promise((sent) => {
        const done = () => {
          socket.off("close", done);
          sent();
        };
        socket.once("close", done);
        socket.write(bytes, done);
      });
    },
    stopReading: () => void socket.pause(),
    count: (type) => counts.get(type) ?? 0,
    ended: () => ended.size,
    next(ms) {
      if (!isOpen) return Promise.resolve();
      return new Promise((done) => {
        const timer = setTimeout(done, ms);
        waiting.push(() => {
          clearTimeout(timer);
          done();
        });
      });
    },
    break: () => void socket.resetAndDestroy(),
    [Symbol.dispose]: () => void socket.destroy(),
  };
  socket.once("connect", () => resolve(connection));
  return promise;
}

const HTTP1 = Buffer.from("HTTP/");
