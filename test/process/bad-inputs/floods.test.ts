import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { newClaimId, newKey } from "../callers.ts";
import { lockRecords, untilBlocked } from "../table-lock.ts";
import { callHeaders, FRAME, headerFrames, OPENED, provoke } from "./frames.ts";
import { row } from "./rows.ts";
import { call, countRecords, generic, lives, livesOn, useStand } from "./stand.ts";
import { encode, pathOf, WIRE_NAMES, WIRES, type WireName } from "./wires.ts";

const { method } = IdempotencyService;
const stand = useStand();
const CLAIM = generic(method.claim);

/** Calls of Claim that have begun and not ended. */
async function openCalls(): Promise<number> {
  const page = await (await fetch(`${stand.server.http}/metrics`)).text();
  const sum = (name: string) =>
    [...page.matchAll(new RegExp(`^${name}\\{.*grpc_method="Claim".*\\} (\\d+)$`, "gm"))]
      .map(([, count]) => Number(count))
      .reduce((total, count) => total + count, 0);
  return sum("grpc_server_started_total") - sum("grpc_server_handled_total");
}

async function untilOpen(isEnough: (open: number) => boolean): Promise<void> {
  while (!isEnough(await openCalls()));
}

describe(`${row(56)} leave nothing open`, () => {
  const each: readonly (readonly [WireName, number])[] = [
    ["gRPC", 1000],
    ["Connect JSON", 250],
    ["Connect binary", 250],
    ["gRPC-Web", 250],
  ];

  test.each(each)("%s, %i times, while the database holds the calls up", async (name, count) => {
    using wire = WIRES[name](stand.server);
    const unlock = await lockRecords(stand.database.url);
    const { promise: gone, resolve: go } = Promise.withResolvers<void>();
    const claims = Array.from({ length: count }, () => ({ key: newKey(), claimId: newClaimId() }));
    const abandoned = claims.map((claim) => wire.abandon(CLAIM, encode(wire, method.claim, claim), gone));
    // Of a connection a server lets so many calls in at once and no more.
    await untilOpen((open) => open === count);
    await untilBlocked(stand.database.url);
    go();
    await Promise.all(abandoned);
    await unlock();
    await untilOpen((open) => open === 0);
    await lives(stand.wires[name]);
    // Each of them took effect or did not: the same claim_id settles it.
    const settled = await Promise.all(claims.slice(0, 50).map((claim) => call(stand.wires[name], method.claim, claim)));
    expect(new Set(settled.map(({ detail }) => detail.case))).toEqual(new Set(["acquired"]));
  });

  test.each(WIRE_NAMES)("%s, at once after sending, a hundred times", async (name) => {
    using wire = WIRES[name](stand.server);
    const claim = () => encode(wire, method.claim, { key: newKey(), claimId: newClaimId() });
    await Promise.all(Array.from({ length: 100 }, () => wire.abandon(CLAIM, claim(), Promise.resolve())));
    await untilOpen((open) => open === 0);
    await lives(stand.wires[name]);
  });
});

describe(row(58), () => {
  test("gRPC: a client that obeys gets all of its answers", async () => {
    const wire = stand.wires.gRPC;
    const before = await countRecords(stand.sql);
    const claims = Array.from({ length: 2000 }, () => ({ key: newKey(), claimId: newClaimId() }));
    const answers = await Promise.all(claims.map((claim) => wire.send(CLAIM, encode(wire, method.claim, claim))));
    expect(answers.filter(({ code }) => code !== "OK")).toEqual([]);
    expect(await countRecords(stand.sql)).toBe(before + 2000);
    await lives(wire);
  });

  test("gRPC: of a client that does not obey the calls beyond the limit are refused", async () => {
    const headers = callHeaders(pathOf(CLAIM));
    const streams = Array.from({ length: 2000 }, (_, i) => headerFrames(2 * i + 1, headers, { endStream: false }));
    const opened = Buffer.concat([OPENED, ...streams]);
    const refused = ({ frames }: { readonly frames: readonly { readonly type: number }[] }) =>
      frames.some(({ type }) => type === FRAME.reset || type === FRAME.goAway);
    expect(refused(await provoke(stand.server.grpc, opened, refused))).toBe(true);
    await lives(stand.wires.gRPC);
  });

  test("the HTTP port: 2 000 calls behind each other on one connection are answered in their order", async () => {
    const socket = connect(Number(new URL(stand.server.http).port), "127.0.0.1");
    const keys = Array.from({ length: 2000 }, (_, i) => `piped-${i}`);
    const claimOf = (key: string) => `{"key":{"scope":"s","key":"${key}"},"claim_id":"0123456789abcdef"}`;
    const head = `POST ${pathOf(CLAIM)} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: `;
    socket.write(keys.map((key) => `${head}${claimOf(key).length}\r\n\r\n${claimOf(key)}`).join(""));
    let answered = "";
    for await (const chunk of socket.setEncoding("utf8")) {
      answered += chunk;
      if (answered.includes(`"${keys.at(-1)}"`)) break;
    }
    expect([...answered.matchAll(/"key":"(piped-\d+)"/g)].map(([, key]) => key)).toEqual(keys);
    await lives(stand.wires["Connect JSON"]);
  });
});

livesOn(stand);
