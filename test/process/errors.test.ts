import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from "node:http2";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { ClaimRequestSchema, IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { CALLERS, type CallError, newClaimId, newKey } from "./callers.ts";
import { type ServerProcess, startServer } from "./server.ts";
import { lockRecords } from "./table-lock.ts";

const { method } = IdempotencyService;

let database: TestDatabase;
let server: ServerProcess;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({ databaseUrl: database.url });
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
});

describe.each(Object.entries(CALLERS))("%s", (_name, open) => {
  test("an invalid request is INVALID_ARGUMENT with the reason and every field", async () => {
    using caller = open(server);
    const error = await failure(caller.call(method.claim, { key: { scope: "", key: "k" }, claimId: "short" }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(infoOf(error)).toMatchObject({ reason: "FIELD_INVALID", domain: "holdfast.v1" });
    expect(fieldsOf(error)).toEqual(["key.scope", "claim_id"]);
  });

  test("an error that waiting does not help carries no RetryInfo", async () => {
    using caller = open(server);
    const error = await failure(caller.call(method.getRecord, { key: newKey() }));
    expect(error.code).toBe(Code.NotFound);
    expect([...error.details.keys()]).toEqual(["google.rpc.ErrorInfo"]);
  });

  test("a call that the database holds up is answered DEADLINE_EXCEEDED at its deadline", async () => {
    using caller = open(server);
    await whileLocked(async () => {
      const error = await failure(
        caller.call(method.claim, { key: newKey(), claimId: newClaimId() }, { timeoutMs: 100 }),
      );
      expect(error.code).toBe(Code.DeadlineExceeded);
    });
  });
});

describe("the gRPC port, byte by byte", () => {
  test("bytes that are no message are INVALID_ARGUMENT, not INTERNAL", async () => {
    const answer = await rawCall({ body: frame(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])) });
    expect(statusOf(answer)).toMatchObject({ code: 3, reason: "FIELD_INVALID" });
  });

  test("a message over 1.25 MiB is RESOURCE_EXHAUSTED", async () => {
    const answer = await rawCall({ body: frame(Buffer.alloc(1280 * 1024 + 1)) });
    expect(answer["grpc-status"]).toBe("8");
  });

  test("a deadline of 99999999 hours is as good as none", async () => {
    const answer = await rawCall({ headers: { "grpc-timeout": "99999999H" }, body: frame(Buffer.alloc(0)) });
    expect(statusOf(answer)).toMatchObject({ code: 3, reason: "FIELD_INVALID" });
  });

  test.each(["abc", "-1S", "1", "123456789S", "1e3S"])(
    "the timeout %s is INVALID_ARGUMENT and is not quoted",
    async (timeout) => {
      const answer = await rawCall({ headers: { "grpc-timeout": timeout }, body: frame(Buffer.alloc(0)) });
      expect(statusOf(answer)).toMatchObject({ code: 3, reason: "FIELD_INVALID" });
      expect(String(answer["grpc-message"])).not.toContain(timeout === "1" ? '"1"' : timeout);
    },
  );

  test("the server ends a call at its deadline when the client does not", async () => {
    await whileLocked(async () => {
      const claim = { key: newKey(), claimId: newClaimId() };
      const body = frame(Buffer.from(encodeClaim(claim)));
      expect(await rawCall({ headers: { "grpc-timeout": "50m" }, body })).toMatchObject({ "grpc-status": "4" });
    });
  });

  test("a method that does not exist is UNIMPLEMENTED, and its name is not quoted", async () => {
    const answer = await rawCall({
      path: "/holdfast.v1.IdempotencyService/Grab<script>",
      body: frame(Buffer.alloc(0)),
    });
    expect(answer["grpc-status"]).toBe("12");
    expect(String(answer["grpc-message"])).not.toContain("Grab");
  });

  test("an encoding that does not exist is UNIMPLEMENTED, and its name is not quoted", async () => {
    const body = frame(Buffer.from("x"), 1);
    const answer = await rawCall({ headers: { "grpc-encoding": "secret-zip" }, body });
    expect(answer["grpc-status"]).toBe("12");
    expect(String(answer["grpc-message"])).not.toContain("secret");
  });

  test.each(["application/json", "application/grpc-web+proto", "application/grpc+json"])("%s is 415", async (type) => {
    const answer = await rawCall({ headers: { "content-type": type }, body: frame(Buffer.alloc(0)) });
    expect(answer[":status"]).toBe(415);
  });

  test("a header that the server writes for itself cannot be sent by a caller", async () => {
    const headers = { "holdfast-deadline": "0", "holdfast-bad-timeout": "1" };
    const body = frame(Buffer.from(encodeClaim({ key: newKey(), claimId: newClaimId() })));
    expect(await rawCall({ headers, body })).toMatchObject({ "grpc-status": "0" });
  });

  test("a request that never ends is closed after ten seconds", { timeout: 30_000 }, async () => {
    const session = connect(`http://${server.grpc}`);
    try {
      const stream = session.request(requestHeaders({}), { endStream: false });
      stream.write(Buffer.from([0, 0, 0, 1, 0, 1]));
      await new Promise((resolve) =>
        stream
          .once("close", resolve)
          .on("error", () => undefined)
          .resume(),
      );
      expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    } finally {
      session.destroy();
    }
  });
});

describe("the HTTP port, byte by byte", () => {
  const claimUrl = () => `${server.http}/holdfast.v1.IdempotencyService/Claim`;
  const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
    fetch(claimUrl(), { method: "POST", body, headers: { "content-type": "application/json", ...headers } });

  test.each([
    ["text that is no JSON", '{"key": secret'],
    ["a field that does not exist", '{"calim_id": "secret"}'],
    ["a field called __proto__", '{"__proto__": {"secret": 1}}'],
    ["a field of another type", '{"key": {"scope": {"secret": 1}}}'],
    ["bytes that are no UTF-8", new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ["half a surrogate pair", '{"key": {"scope": "secret\\ud800", "key": "k"}}'],
  ])("%s is INVALID_ARGUMENT with its reason, and is not quoted", async (_name, body) => {
    const response = await post(body);
    const text = await response.text();
    expect(response.status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({
      code: "invalid_argument",
      details: expect.arrayContaining([
        expect.objectContaining({ debug: { reason: "FIELD_INVALID", domain: "holdfast.v1" } }),
      ]),
    });
    expect(text).not.toContain("secret");
  });

  test.each(['{"key": secret', '{"calim_id": "secret"}'])("%s is told to be no request in JSON", async (body) => {
    const { message } = (await (await post(body)).json()) as { readonly message: string };
    expect(message).toContain("it is no JSON object, or has a field that this message does not have");
  });

  test("a field of another type is named", async () => {
    const response = await post('{"key": {"scope": 5}}');
    expect(JSON.stringify(await response.json())).toContain('"field":"key.scope"');
  });

  test("a body over 1.25 MiB is RESOURCE_EXHAUSTED, and the answer arrives", async () => {
    const response = await post(new Uint8Array(2 * 1024 * 1024));
    expect(response.status).toBe(429);
    expect(await response.json()).toMatchObject({ code: "resource_exhausted" });
  });

  test("a gRPC-Web body that is no message is INVALID_ARGUMENT in the trailers", async () => {
    const response = await post(new Uint8Array([0, 0, 0, 0, 2, 0x0a, 0xff]), {
      "content-type": "application/grpc-web+proto",
    });
    expect(response.status).toBe(200);
    expect(await response.text()).toContain("grpc-status: 3");
  });

  test("an encoding that does not exist is not quoted", async () => {
    const response = await post("{}", { "content-encoding": "secret-zip" });
    expect(response.status).toBe(501);
    expect(await response.text()).not.toContain("secret");
  });

  test("another content type is 415, and says which are spoken", async () => {
    const response = await post("{}", { "content-type": "text/plain" });
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({ error: expect.stringContaining("application/json") });
  });

  test("a stream that is asked for as plain JSON is 415, and says how it is read", async () => {
    const url = `${server.http}/holdfast.v1.IdempotencyService/WaitFor`;
    const response = await fetch(url, { method: "POST", body: "{}", headers: { "content-type": "application/json" } });
    expect(response.status).toBe(415);
    expect(await response.json()).toEqual({ error: "WaitFor is a stream: use application/connect+json or gRPC" });
  });

  test("a method with side effects is not called with GET", async () => {
    expect((await fetch(`${claimUrl()}?encoding=json&message={}`)).status).toBe(405);
  });

  test("a read is called with GET", async () => {
    const message = encodeURIComponent(JSON.stringify({ key: newKey() }));
    const response = await fetch(
      `${server.http}/holdfast.v1.IdempotencyService/GetRecord?encoding=json&message=${message}`,
    );
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "not_found" });
  });
});

test("calls that failed are counted, whichever port they came by", async () => {
  const metrics = await (await fetch(`${server.http}/metrics`)).text();
  const count = /grpc_server_handled_total\{.*grpc_method="Claim",grpc_code="InvalidArgument"\} (\d+)/.exec(
    metrics,
  )?.[1];
  expect(Number(count)).toBeGreaterThan(10);
  expect(server.lines.filter(({ level }) => level === "error")).toEqual([]);
});

async function failure(call: Promise<unknown>): Promise<CallError> {
  return call.then(
    () => {
      throw new Error("the call did not fail");
    },
    (error: CallError) => error,
  );
}

function infoOf({ details }: CallError): unknown {
  const info = details.get("google.rpc.ErrorInfo");
  return info instanceof Uint8Array ? fromBinary(ErrorInfoSchema, info) : info;
}

function fieldsOf({ details }: CallError): readonly string[] {
  const found = details.get("google.rpc.BadRequest");
  const bad = (found instanceof Uint8Array ? fromBinary(BadRequestSchema, found) : found) as {
    readonly fieldViolations: readonly { readonly field: string }[];
  };
  return bad.fieldViolations.map(({ field }) => field);
}

async function whileLocked(body: () => Promise<void>): Promise<void> {
  const unlock = await lockRecords(database.url);
  await body().finally(unlock);
}

interface RawCall {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Headers and trailers of the answer together. */
async function rawCall({ body, ...rest }: RawCall): Promise<IncomingHttpHeaders> {
  const session: ClientHttp2Session = connect(`http://${server.grpc}`);
  try {
    const stream = session.request(requestHeaders(rest));
    const answer: IncomingHttpHeaders = {};
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    stream.on("response", (headers) => Object.assign(answer, headers));
    stream.on("trailers", (headers) => Object.assign(answer, headers));
    stream.on("error", reject).on("close", resolve).resume();
    stream.end(body);
    await promise;
    return answer;
  } finally {
    session.destroy();
  }
}

function requestHeaders({ path, headers }: Omit<RawCall, "body">) {
  return {
    ":method": "POST",
    ":path": path ?? "/holdfast.v1.IdempotencyService/Claim",
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  };
}

function encodeClaim(claim: MessageInitShape<typeof ClaimRequestSchema>): Uint8Array {
  return toBinary(ClaimRequestSchema, create(ClaimRequestSchema, claim));
}

function frame(message: Buffer, compressed = 0): Buffer {
  const head = Buffer.from([compressed, 0, 0, 0, 0]);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function statusOf(answer: IncomingHttpHeaders): { readonly code: number; readonly reason: string | undefined } {
  const status = fromBinary(StatusSchema, Buffer.from(String(answer["grpc-status-details-bin"]), "base64"));
  const info = status.details.find(({ typeUrl }) => typeUrl.endsWith("ErrorInfo"));
  return { code: status.code, reason: info && fromBinary(ErrorInfoSchema, info.value).reason };
}
