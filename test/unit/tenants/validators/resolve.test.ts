import { createSocket } from "node:dgram";
import { once } from "node:events";
import { describe, expect, onTestFinished, test } from "vitest";
import { kindOfAddress } from "../../../../src/tenants/validators/addresses.ts";
import { createResolveByName, resolveBySystem } from "../../../../src/tenants/validators/resolve.ts";

const TYPES = { 1: "A", 28: "AAAA" } as const;
const FAILURES = { NODATA: 0, SERVFAIL: 2, NXDOMAIN: 3 } as const;

type Answer = readonly (readonly number[])[] | keyof typeof FAILURES | "silence";

/** A name server that says the same of every name. */
async function startNameServer(answers: Readonly<Record<"A" | "AAAA", Answer>>) {
  const socket = createSocket("udp4");
  const asked: string[] = [];
  const silent = Promise.withResolvers<void>();
  socket.on("message", (query, { port, address }) => {
    const end = query.indexOf(0, 12) + 5;
    const type = TYPES[query.readUInt16BE(end - 4) as keyof typeof TYPES];
    asked.push(type);
    const answer = answers[type];
    if (answer === "silence") return silent.resolve();
    socket.send(response(query.subarray(0, end), answer), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  const resolve = createResolveByName([`127.0.0.1:${socket.address().port}`]);
  return { asked, silent: silent.promise, resolve };
}

/** RFC 1035, section 4: the question again, and the addresses under a pointer to its name. */
function response(question: Buffer, answer: Exclude<Answer, "silence">): Buffer {
  const head = Buffer.from(question);
  const records = typeof answer === "string" ? [] : answer;
  head.writeUInt16BE(0x8180 | (typeof answer === "string" ? FAILURES[answer] : 0), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  head.writeUInt32BE(0, 8);
  const type = question.readUInt16BE(question.length - 4);
  return Buffer.concat([
    head,
    ...records.map((address) => Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, address.length, ...address])),
  ]);
}

const V4 = [93, 184, 216, 34];
const V6 = [0x26, 0x06, 0x47, ...Array<number>(12).fill(0), 1];
const never = new AbortController().signal;

describe("asking the name servers gives", () => {
  test.each<[string, Answer, Answer, readonly string[]]>([
    ["the addresses of both families", [V4, [10, 0, 0, 1]], [V6], ["93.184.216.34", "10.0.0.1", "2606:4700::1"]],
    ["those of one family where there are no others", [V4], "NODATA", ["93.184.216.34"]],
    ["those of one family where the other cannot be told", "SERVFAIL", [V6], ["2606:4700::1"]],
    ["nothing for a name that does not exist", "NXDOMAIN", "NXDOMAIN", []],
    ["nothing for a name without addresses", "NODATA", "NODATA", []],
  ])("%s", async (_, A, AAAA, addresses) => {
    const { resolve } = await startNameServer({ A, AAAA });
    expect((await resolve("keys.example", never)).toSorted()).toEqual([...addresses].toSorted());
  });

  test("an error where nothing can be told", async () => {
    const { resolve } = await startNameServer({ A: "SERVFAIL", AAAA: "NODATA" });
    await expect(resolve("keys.example", never)).rejects.toMatchObject({ code: "ESERVFAIL" });
  });

  test("an error to one who stops waiting", async () => {
    const { silent, resolve } = await startNameServer({ A: "silence", AAAA: "silence" });
    const stop = new AbortController();
    const addresses = resolve("keys.example", stop.signal);
    await silent;
    stop.abort(new Error("gone"));
    await expect(addresses).rejects.toMatchObject({ code: "ECANCELLED" });
    await expect(resolve("keys.example", stop.signal)).rejects.toThrow("gone");
  });

  test.each(["localhost", "keys.localhost"])("this machine for %s, without asking", async (host) => {
    const { asked, resolve } = await startNameServer({ A: [V4], AAAA: [V6] });
    expect(await resolve(host, never)).toEqual(["127.0.0.1", "::1"]);
    expect(asked).toEqual([]);
  });
});

test("asking the system counts what is only known to it", async () => {
  const addresses = await resolveBySystem("localhost", never);
  expect(new Set(addresses.map(kindOfAddress))).toEqual(new Set(["loopback"]));
});
