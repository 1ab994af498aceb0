import { channel } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createGuardedFetch } from "../../../../src/tenants/validators/guarded-fetch.ts";
import { createManualClock } from "../../store/manual-clock.ts";

/** Of every socket that this process opens as a client, Node says so here before it connects. */
const opened = channel("net.client.socket");
const sockets: Socket[] = [];
const note = (message: unknown) => {
  const { socket } = message as { readonly socket: Socket };
  sockets.push(socket);
};

beforeEach(() => {
  sockets.length = 0;
  opened.subscribe(note);
});
afterEach(() => void opened.unsubscribe(note));

test("what is watched here is where connections show", async () => {
  const socket = (await import("node:net")).connect({ host: "127.0.0.1", port: 1 }).on("error", () => undefined);
  socket.destroy();
  expect(sockets).toEqual([socket]);
});

/** As a tenant may write an address that is not for it, and what its name server may say. */
const FORBIDDEN: readonly (readonly [what: string, url: string, addresses: readonly string[]])[] = [
  ["a private address", "https://10.0.0.1/", []],
  ["this machine", "https://127.0.0.1/", []],
  ["this machine in one number", "https://2130706433/", []],
  ["this machine in hexadecimal", "https://0x7f000001/", []],
  ["this machine in octal", "https://0177.0.0.1/", []],
  ["this machine in short", "https://127.1/", []],
  ["this machine in circled digits", "https://①②⑦.⓪.⓪.①/", []],
  ["this machine as IPv6", "https://[::1]/", []],
  ["IPv4 inside IPv6", "https://[::ffff:127.0.0.1]/", []],
  ["a private address inside IPv6", "https://[::ffff:10.0.0.1]/", []],
  ["IPv4 by NAT64", "https://[64:ff9b::10.0.0.1]/", []],
  ["IPv4 by 6to4", "https://[2002:7f00:1::]/", []],
  ["any address", "https://0.0.0.0/", []],
  ["what clouds tell their machines", "https://169.254.169.254/latest/meta-data/", []],
  ["the same over IPv6", "https://[fd00:ec2::254]/", []],
  ["a neighbour on the link", "https://[fe80::1]/", []],
  ["a name that leads to this machine", "https://keys.example/", ["127.0.0.1"]],
  ["a name that leads to what clouds tell", "https://keys.example/", ["169.254.169.254"]],
  ["a name that leads to IPv4 inside IPv6", "https://keys.example/", ["::ffff:10.0.0.1"]],
  ["a name with one good address", "https://keys.example/", ["93.184.216.34", "127.0.0.1"]],
  ["a name with a zone in its address", "https://keys.example/", ["fe80::1%lo"]],
  ["a name without addresses", "https://keys.example/", []],
  ["this machine by its name", "https://localhost/", ["127.0.0.1"]],
  ["clear text", "http://keys.example/", ["93.184.216.34"]],
  ["a file", "file:///etc/passwd", []],
];

test.each(FORBIDDEN)("no socket is opened for %s", async (_, url, addresses) => {
  const fetch = createGuardedFetch({
    clock: createManualClock(),
    resolve: async () => addresses,
    ports: [],
    allowLoopback: false,
  });
  expect(await fetch(url)).toMatchObject({ kind: expect.stringMatching(/^(refused|uncertain)$/) });
  expect(sockets).toEqual([]);
});

test("a name that was good once, and is private at the next look: no socket is opened then", async () => {
  const answers = [["10.0.0.1"], ["127.0.0.1"], ["::1"]];
  let asked = 0;
  const resolve = async () => answers[asked++] ?? [];
  for (const _ of answers) {
    const fetch = createGuardedFetch({ clock: createManualClock(), resolve, allowLoopback: false, ports: [] });
    expect(await fetch("https://keys.example/")).toMatchObject({ kind: "refused" });
  }
  expect({ asked, sockets }).toEqual({ asked: answers.length, sockets: [] });
});
