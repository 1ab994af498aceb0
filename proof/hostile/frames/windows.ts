import { create, toBinary } from "@bufbuild/protobuf";
import { GetRecordRequestSchema, WaitForRequestSchema } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { envelope } from "../../../test/process/bad-inputs/answer.ts";
import { LARGE_KEY } from "../stand/records.ts";
import { type Attack, atOnce, onConnection, pour, streamOf, type Target } from "./attack.ts";
import { call, RECORD_PATH, WAIT_PATH } from "./calls.ts";
import { OPENING, PREFACE, SETTING, settings, windowUpdate } from "./frame.ts";

const CONNECTIONS = 4;

/** Asks for a result of half a MiB. */
const large = envelope(
  toBinary(GetRecordRequestSchema, create(GetRecordRequestSchema, { key: LARGE_KEY, includeResult: true })),
);
const wait = envelope(
  toBinary(
    WaitForRequestSchema,
    create(WaitForRequestSchema, {
      targets: Array.from({ length: 20 }, () => ({ key: LARGE_KEY })),
      includeResult: true,
    }),
  ),
);

/** Asks for large answers and takes none: only resets or the server's patience end it. */
function asks(target: Target, opening: Buffer, body: (stream: number) => Buffer): Promise<void> {
  return atOnce(CONNECTIONS, () =>
    onConnection(target, async (connection) => {
      await connection.send(opening);
      await pour(target, connection, 100, (i) => body(streamOf(i)));
      await connection.next(500);
      connection.break();
    }),
  );
}

const ZERO_WINDOW = Buffer.concat([PREFACE, settings([SETTING.initialWindow, 0])]);

export const WINDOWS: readonly Attack[] = [
  {
    ...{ name: "zero-window", port: "grpc", what: "large answers to somebody whose window is 0 (CVE-2019-9517)" },
    round: (target) => asks(target, ZERO_WINDOW, (stream) => call(target, stream, RECORD_PATH, large)),
  },
  {
    ...{ name: "zero-window-stream", port: "grpc", what: "streams of large answers to the same" },
    round: (target) => asks(target, ZERO_WINDOW, (stream) => call(target, stream, WAIT_PATH, wait)),
  },
  {
    ...{ name: "unread-answers", port: "grpc", what: "wide windows, large answers, and a socket that nobody reads" },
    round: (target) =>
      atOnce(CONNECTIONS, () =>
        onConnection(target, async (connection) => {
          const wide = settings([SETTING.initialWindow, 2 ** 31 - 1]);
          await connection.send(Buffer.concat([PREFACE, wide, windowUpdate(0, 2 ** 31 - 1 - 65_535)]));
          connection.stopReading();
          await pour(target, connection, 100, (i) => call(target, streamOf(i), RECORD_PATH, large));
          await connection.next(500);
          connection.break();
        }),
      ),
  },
  {
    ...{ name: "window-overflow", port: "grpc", what: "windows beyond 2^31 - 1, of a stream and of the connection" },
    round: (target) =>
      atOnce(40, () =>
        onConnection(target, async (connection) => {
          const most = 2 ** 31 - 1;
          const stream = target.chance.pick([0, 1]);
          const twice = Buffer.concat([windowUpdate(stream, most), windowUpdate(stream, most)]);
          await connection.send(Buffer.concat([OPENING, call(target, 1), twice]));
          await connection.next(200);
        }),
      ),
  },
  {
    ...{ name: "window-tide", port: "grpc", what: "a window that goes below 0 while answers are under way" },
    round: (target) =>
      atOnce(CONNECTIONS, () =>
        onConnection(target, async (connection) => {
          await connection.send(OPENING);
          await pour(target, connection, 60, (i) =>
            Buffer.concat([
              call(target, streamOf(i), RECORD_PATH, large),
              settings([SETTING.initialWindow, target.chance.pick([0, 1, 65_535, 2 ** 31 - 1])]),
            ]),
          );
          await connection.next(500);
        }),
      ),
  },
];
