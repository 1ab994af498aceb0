import { beforeAll, describe, expect, test } from "vitest";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import {
  callHeaders,
  FRAME,
  frame,
  type HeaderList,
  headerFrames,
  isDecided,
  OPENED,
  PREFACE,
  provoke,
  type Reaction,
} from "./frames.ts";
import { row } from "./rows.ts";
import { seededBytes } from "./seeded-bytes.ts";
import {
  CANARY,
  FIELD_INVALID,
  generic,
  lives,
  livesOn,
  type Refusal,
  readRefusal,
  refuses,
  useStand,
} from "./stand.ts";
import { encode, type Headers, type WireName } from "./wires.ts";

const { method } = IdempotencyService;
const stand = useStand();

const MIB = 1 << 20;
const CLAIM_PATH = "/holdfast.v1.IdempotencyService/Claim";

const SILENCES: Readonly<Record<string, string>> = {
  nothing: "",
  "the beginning of a header": `POST ${CLAIM_PATH} HTTP/1.1\r\nhost: local`,
  "the beginning of a body": `POST ${CLAIM_PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{`,
};
const silences = new Map<string, Promise<Reaction>>();

// They last for ten seconds, and the other tests need not wait for them.
beforeAll(() => {
  for (const [beginning, sent] of Object.entries(SILENCES)) {
    silences.set(beginning, provoke(stand.server.http, Buffer.from(sent)));
  }
});

describe(row(13), () => {
  const service = "/holdfast.v1.IdempotencyService";
  const paths = [
    "//",
    "/",
    `${service}/Grab`,
    `${service}/`,
    `/other.${CANARY}/Claim`,
    `${service}/Claim/`,
    `${service}/claim`,
  ];

  test.each(paths)("gRPC: %s is UNIMPLEMENTED and not quoted", async (path) => {
    const wire = stand.wires.gRPC;
    await refuses(stand, wire, generic(method.claim), new Uint8Array(), { code: "UNIMPLEMENTED" }, { ":path": path });
  });

  test.each(paths)("the HTTP port: %s is 404, which clients read as UNIMPLEMENTED, and not quoted", async (path) => {
    for (const type of ["application/json", "application/proto", "application/grpc-web+proto"]) {
      const url = stand.server.http + path;
      const response = await fetch(url, { method: "POST", headers: { "content-type": type }, body: "{}" });
      expect(response.status).toBe(404);
      expect(await response.text()).not.toContain(CANARY);
    }
  });
});

describe(row(14), () => {
  const http1 = (head: string, ...lines: readonly string[]) => Buffer.from([head, ...lines, "", ""].join("\r\n"));
  const noise = seededBytes(4096, 7);
  const tlsHello = Buffer.concat([Buffer.from("16030100c8010000c40303", "hex"), seededBytes(200, 3)]);

  test.each([
    ["HTTP/1.1", http1("GET / HTTP/1.1", "host: localhost")],
    [
      "a JSON call over HTTP/1.1",
      http1(`POST ${CLAIM_PATH} HTTP/1.1`, "host: localhost", "content-length: 2", "", "{}"),
    ],
    ["noise", noise],
    ["TLS", tlsHello],
    ["zeros", Buffer.alloc(4096)],
    ["the preface and then noise", Buffer.concat([PREFACE, noise])],
    ["a frame before the settings", Buffer.concat([PREFACE, frame(FRAME.reset, 0, 1, Buffer.alloc(4))])],
    [
      "a frame longer than allowed",
      Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0), frame(FRAME.headers, 4, 1, Buffer.alloc(MIB))]),
    ],
  ])("the gRPC port hangs up on %s", async (_, sent) => {
    const { closed } = await provoke(stand.server.grpc, sent);
    expect(closed).toBe(true);
    await lives(stand.wires.gRPC);
  });

  test.each([
    ["noise", noise],
    ["TLS", tlsHello],
    ["the preface of HTTP/2", Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0)])],
    ["no host", http1(`POST ${CLAIM_PATH} HTTP/1.1`, "connection: close")],
    ["another host", http1(`POST ${CLAIM_PATH} HTTP/1.1`, `host: ${CANARY}.example`, "connection: close")],
    ["two lengths", http1(`POST ${CLAIM_PATH} HTTP/1.1`, "host: localhost", "content-length: 2", "content-length: 3")],
    [
      "a length and chunks",
      http1(`POST ${CLAIM_PATH} HTTP/1.1`, "host: localhost", "content-length: 2", "transfer-encoding: chunked"),
    ],
    ["a method that is none", http1(`${CANARY} / HTTP/1.1`, "host: localhost")],
    ["CONNECT", http1("CONNECT localhost:80 HTTP/1.1", "host: localhost")],
    ["a whole URL", http1(`POST http://${CANARY}/ HTTP/1.1`, "host: localhost", "connection: close")],
  ])("the HTTP port refuses %s and hangs up", async (_, sent) => {
    const { bytes, closed } = await provoke(stand.server.http, sent);
    expect(closed).toBe(true);
    expect(bytes.toString("latin1")).toMatch(/^($|HTTP\/1\.1 4\d\d )/);
    expect(bytes.toString("latin1")).not.toContain(CANARY);
    await lives(stand.wires["Connect JSON"]);
  });
});

describe(row(16), () => {
  const BAD = FIELD_INVALID();
  // As good as none: the empty message is refused for what it lacks.
  const NONE = FIELD_INVALID("key", "claim_id");
  const grpc = (value: string, refusal: Refusal): [Headers, Refusal] => [{ "grpc-timeout": value }, refusal];
  const connect = (value: string, refusal: Refusal): [Headers, Refusal] => [{ "connect-timeout-ms": value }, refusal];
  const grpcTimeouts = [
    ...["-1S", "abc", CANARY, "", "1", "S", "123456789S", "1e3S", "0x1S", "1 S", "1.5S", "+1S"].map((value) =>
      grpc(value, BAD),
    ),
    grpc("99999999H", NONE),
    grpc("99999999S", NONE),
  ];
  const connectTimeouts = [
    ...["-1", "abc", CANARY, "1e3", "0x1", "1.5", "+1", "12345678901"].map((value) => connect(value, BAD)),
    connect("9999999999", NONE),
  ];

  const cases: readonly (readonly [WireName, readonly (readonly [Headers, Refusal])[]])[] = [
    ["gRPC", grpcTimeouts],
    ["gRPC-Web", grpcTimeouts],
    ["Connect JSON", connectTimeouts],
    ["Connect binary", connectTimeouts],
  ];
  test.each(cases)("%s", async (name, timeouts) => {
    const wire = stand.wires[name];
    const empty = encode(wire, method.claim, {});
    for (const [headers, refusal] of timeouts) {
      const answer = await wire.send(generic(method.claim), empty, headers);
      expect({ headers, ...readRefusal(answer) }).toEqual({ headers, ...refusal, domain: "holdfast.v1" });
      expect(answer.received).not.toContain(CANARY);
      await lives(wire);
    }
  });

  const zero: readonly (readonly [WireName, Headers])[] = [
    ["gRPC", { "grpc-timeout": "0n" }],
    ["gRPC-Web", { "grpc-timeout": "0n" }],
    ["Connect JSON", { "connect-timeout-ms": "0" }],
    ["Connect binary", { "connect-timeout-ms": "0" }],
  ];
  test.each(zero)("%s: no time at all is DEADLINE_EXCEEDED", async (name, headers) => {
    const wire = stand.wires[name];
    const claim = encode(wire, method.claim, { key: { scope: "s", key: "zero" }, claimId: "0123456789abcdef" });
    const answer = await wire.send(generic(method.claim), claim, headers);
    expect(answer.code).toBe("DEADLINE_EXCEEDED");
    await lives(wire);
  });
});

describe(row(17), () => {
  const many: readonly (readonly [string, HeaderList])[] = [
    ["8 193 headers", Array.from({ length: 8193 }, (_, i) => [`x-${i}`, CANARY])],
    ["a header of a MiB", [["x-huge", CANARY.repeat(MIB / 6)]]],
  ];

  test.each(many)("the gRPC port refuses %s", async (_, more) => {
    const sent = Buffer.concat([OPENED, headerFrames(1, [...callHeaders(CLAIM_PATH), ...more])]);
    const { frames, closed, bytes } = await provoke(stand.server.grpc, sent, isDecided);
    const refused = frames.some(({ type }) => type === FRAME.goAway || type === FRAME.reset);
    expect(closed || refused).toBe(true);
    expect(bytes.toString("latin1")).not.toContain(CANARY);
    await lives(stand.wires.gRPC);
  });

  test.each(many)("the HTTP port refuses %s", async (_, more) => {
    const lines = more.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const sent = Buffer.from(`POST ${CLAIM_PATH} HTTP/1.1\r\nhost: localhost\r\n${lines}\r\n`);
    const { bytes } = await provoke(stand.server.http, sent);
    expect(bytes.toString("latin1")).toMatch(/^HTTP\/1\.1 431 |^$/);
    await lives(stand.wires["Connect JSON"]);
  });
});

describe(row(19), () => {
  const values: readonly (readonly [string, Buffer])[] = [
    ["CR and LF", Buffer.from(`a\r\n{"level":"error","message":"${CANARY}"}`)],
    ["LF", Buffer.from(`a\n{"level":"error","message":"${CANARY}"}`)],
    ["U+0000", Buffer.from(`a\0${CANARY}`)],
    ["bytes above ASCII", Buffer.of(0x80, 0xff, 0xfe)],
    ["escape sequences", Buffer.from(`\u001b[31m${CANARY}`)],
  ];

  test.each(values)("the gRPC port, %s", async (_, value) => {
    for (const name of ["x-request-id", "grpc-timeout", "content-type", "grpc-encoding", ":path", "user-agent"]) {
      const headers = [...callHeaders(CLAIM_PATH).filter(([given]) => given !== name), [name, value] as const];
      const sorted = headers.toSorted(([a], [b]) => Number(b.startsWith(":")) - Number(a.startsWith(":")));
      const sent = Buffer.concat([OPENED, headerFrames(1, sorted)]);
      const { bytes } = await provoke(stand.server.grpc, sent, isDecided);
      expect(bytes.toString("latin1")).not.toContain(CANARY);
    }
    await lives(stand.wires.gRPC);
  });

  test.each(values)("the HTTP port, %s", async (_, value) => {
    for (const name of ["x-request-id", "connect-timeout-ms", "content-type", "content-encoding", "host"]) {
      const head = [`POST ${CLAIM_PATH} HTTP/1.1`, "connection: close", "content-length: 2"];
      const others = name === "host" ? [] : ["host: localhost"];
      const type = name === "content-type" ? [] : ["content-type: application/json"];
      const lines = [...head, ...others, ...type].join("\r\n");
      const sent = Buffer.concat([Buffer.from(`${lines}\r\n${name}: `), value, Buffer.from("\r\n\r\n{}")]);
      const { bytes } = await provoke(stand.server.http, sent);
      expect(bytes.toString("latin1")).toMatch(/^($|HTTP\/1\.1 (4\d\d|501) )/);
      expect(bytes.toString("latin1")).not.toContain(CANARY);
    }
    await lives(stand.wires["Connect JSON"]);
  });
});

describe(row(4), () => {
  // Of the gRPC port this is asked in ../errors.test.ts, and what ends too early in messages.test.ts.
  test.each(Object.keys(SILENCES))(
    "the HTTP port hangs up after ten seconds of silence behind %s",
    async (beginning) => {
      const { closed, bytes } = (await silences.get(beginning)) ?? {};
      expect(closed).toBe(true);
      expect(bytes?.toString()).toMatch(/^($|HTTP\/1\.1 4\d\d )/);
    },
  );
});

livesOn(stand);
