import { inspect } from "node:util";
import { Code, createContextValues } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { type ClientOptions, createClient, type Holdfast, toHoldfastError } from "../../../src/client/client.ts";
import { systemClock } from "../../../src/clock.ts";
import { Fault, type FaultCode } from "../../../src/domain/fault.ts";
import type { CallContext, Endpoint } from "../../../src/rpc/endpoint.ts";
import { toRpcError } from "../../../src/rpc/status.ts";
import { serveGrpc } from "../../../src/server/grpc.ts";
import { ROOM } from "../../../src/server/limits.ts";
import { createRoom } from "../../../src/server/room.ts";
import type { Tls } from "../../../src/server/tls.ts";
import { silentLog } from "../../../src/telemetry/log.ts";
import { createAuthority } from "../../support/certificates.ts";
import { createTestTls, type TestTls } from "../../support/tls.ts";
import { createFakeServer } from "./fake-server.ts";
import { inProcess } from "./in-process.ts";

const job = { scope: "charge", key: "evt_1", input: null } as const;
const SECRET = "hf_5ecre7-that-nobody-may-see";
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Seen {
  readonly method: string;
  readonly authorization: string | undefined;
  readonly names: readonly string[] | undefined;
}

interface GateOptions {
  readonly tls?: TestTls | null;
  /** Why a call with this credential is refused; null: it is not. */
  readonly refuse?: (seen: Seen) => FaultCode | null;
}

/** The real handlers behind a real port, which notes what each call brings along and refuses some. */
async function serve({ tls = createTestTls(), refuse = () => null }: GateOptions = {}) {
  const server = createFakeServer();
  const seen: Seen[] = [];
  const admit = (method: string, context: CallContext) => {
    const call = { method, authorization: context.metadata("authorization"), names: context.certificate()?.names };
    seen.push(call);
    const code = refuse(call);
    if (code !== null) throw toRpcError(new Fault(code, "the credentials are not valid"), context, () => 0.5);
  };
  const endpoints = server.endpoints.map((endpoint): Endpoint => {
    const { localName } = endpoint.method;
    if (endpoint.kind === "unary") {
      const call: typeof endpoint.call = async (request, context) => {
        admit(localName, context);
        return endpoint.call(request, context);
      };
      return { ...endpoint, call };
    }
    const call: typeof endpoint.call = async function* (request, context) {
      admit(localName, context);
      yield* endpoint.call(request, context);
    };
    return { ...endpoint, call };
  });
  const clock = { ...systemClock, monotonicMs: server.clock.monotonicMs };
  const limits = { maxConnectionAgeMs: 300_000, maxConcurrentStreams: 100, room: createRoom(ROOM) };
  const listening = await serveGrpc(
    { host: "127.0.0.1", port: 0 },
    { ...{ endpoints, clock, tls }, log: silentLog, ...limits },
  );
  cleanups.push(() => listening.destroy());
  const { port } = listening.address;
  return { server, seen, tls, port, address: `localhost:${port}` };
}

function client(options: ClientOptions): Holdfast {
  const holdfast = createClient({ retry: { baseDelayMs: 5, maxDelayMs: 50, totalTimeoutMs: 2000 }, ...options });
  cleanups.push(() => holdfast.close());
  return holdfast;
}

function trusted(tls: TestTls | null) {
  return { ca: tls?.authority.caPem ?? "" };
}

/** With everything that hangs on it, hidden or not. */
function everythingOf(value: unknown): string {
  return inspect(value, { showHidden: true, depth: Number.POSITIVE_INFINITY, getters: true });
}

describe("over TLS", () => {
  test.each<[string, Partial<ClientOptions>]>([
    ["an API key", { apiKey: SECRET }],
    ["a token", { token: SECRET }],
    ["a token that is fetched", { token: () => SECRET }],
    ["a token that is fetched from elsewhere", { token: async () => SECRET }],
  ])("%s goes with every call, streams included", async (_what, credential) => {
    const { address, seen, tls } = await serve();
    const holdfast = client({ address, tls: trusted(tls), ...credential });
    expect(await holdfast.once(job, () => 7)).toMatchObject({ value: 7 });
    expect(await holdfast.result(job)).toBe(7);
    expect(seen.map(({ method }) => method)).toEqual(["claim", "complete", "waitFor"]);
    expect(new Set(seen.map(({ authorization }) => authorization))).toEqual(new Set([`Bearer ${SECRET}`]));
  });

  test("a client without a credential sends none", async () => {
    const { address, seen, tls } = await serve();
    await client({ address, tls: trusted(tls) }).once(job, () => 1);
    expect(seen.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
  });

  test("a server whose certificate another authority has signed is not spoken to", async () => {
    const { address, seen } = await serve();
    const holdfast = client({
      address,
      apiKey: SECRET,
      tls: { ca: createAuthority().caPem },
      retry: { totalTimeoutMs: 100 },
    });
    const error = await holdfast.once(job, () => 1).catch((thrown) => thrown);
    expect(error).toMatchObject({ name: "TransportError", code: Code.Unavailable });
    expect(error.message).toContain("certificate signature failure");
    expect(everythingOf(error)).not.toContain(SECRET);
    expect(seen).toEqual([]);
  });

  test("a server is not believed under another name, unless it is told which to expect", async () => {
    const { tls, port, seen } = await serve();
    const own = createTestTls();
    tls?.change(own.authority.issue({ names: ["DNS:holdfast.example.org"] }));
    const address = `localhost:${port}`;
    const ca = own.authority.caPem;
    const wrong = client({ address, tls: { ca }, retry: { totalTimeoutMs: 100 } });
    await expect(wrong.once(job, () => 1)).rejects.toMatchObject({ code: Code.Unavailable });
    expect(seen).toEqual([]);
    const right = client({ address, tls: { ca, serverName: "holdfast.example.org" } });
    expect(await right.once(job, () => 1)).toMatchObject({ value: 1 });
  });

  test.each<Tls["clientCertificates"]>(["required", "optional"])(
    "a client shows its certificate where it is %s",
    async (mode) => {
      const { address, seen, tls } = await serve({ tls: createTestTls(mode) });
      const { certPem, keyPem } = (tls as TestTls).authority.issue({ names: ["DNS:acme"], client: true });
      const own = { cert: new TextEncoder().encode(certPem), key: keyPem };
      await client({ address, tls: { ...trusted(tls), ...own } }).once(job, () => 1);
      expect(seen.map(({ names }) => names)).toEqual([["DNS:acme"], ["DNS:acme"]]);
    },
  );
});

describe("a credential that is refused", () => {
  const refusal = { name: "CredentialsInvalidError", reason: "CREDENTIALS_INVALID", code: Code.Unauthenticated };
  const denied = { code: Code.PermissionDenied };

  test.each<[string, FaultCode, object]>([
    ["as not valid", "CREDENTIALS_INVALID", refusal],
    ["for its role", "ROLE_REQUIRED", { name: "RoleRequiredError", reason: "ROLE_REQUIRED", ...denied }],
    ["for its tenant", "TENANT_FORBIDDEN", { name: "TenantForbiddenError", reason: "TENANT_FORBIDDEN", ...denied }],
  ])("%s is not sent again, and the error has the reason and no credential", async (_how, code, expected) => {
    const { address, seen, tls } = await serve({ refuse: () => code });
    const holdfast = client({ address, tls: trusted(tls), apiKey: SECRET });
    for (const call of [
      () => holdfast.once(job, () => 1),
      () => holdfast.result(job),
      () => holdfast.reconcile(job, async () => ({ kind: "unknown" }) as never),
    ]) {
      seen.splice(0);
      const error = await call().catch((thrown) => thrown);
      expect(error).toMatchObject(expected);
      expect(everythingOf(error)).not.toContain(SECRET);
      expect(seen).toHaveLength(1);
    }
  });

  test.each([
    ["call", (holdfast: Holdfast) => holdfast.once(job, () => 1).then(({ value }) => value)],
    ["stream", (holdfast: Holdfast) => holdfast.result(job)],
  ])("of a %s is fetched once more, for it may just have expired", async (_what, call) => {
    const { address, tls, server } = await serve({
      refuse: ({ authorization }) => (authorization === "Bearer old" ? "CREDENTIALS_INVALID" : null),
    });
    await server.client().once(job, () => 1);
    const tokens = ["old", "new"];
    const asked: string[] = [];
    const token = () => {
      const next = tokens[asked.length] ?? "new";
      asked.push(next);
      return next;
    };
    expect(await call(client({ address, tls: trusted(tls), token }))).toBe(1);
    expect(asked).toEqual(["old", "new"]);
  });

  test.each([
    ["the same", () => "same", ["Bearer same"]],
    ["refused as well", (count: number) => `token-${count}`, ["Bearer token-1", "Bearer token-2"]],
  ])("and fetched once more is given up when it is %s", async (_what, next, sent) => {
    const { address, tls, seen } = await serve({ refuse: () => "CREDENTIALS_INVALID" });
    let count = 0;
    const holdfast = client({ address, tls: trusted(tls), token: () => next(++count) });
    await expect(holdfast.once(job, () => 1)).rejects.toMatchObject(refusal);
    expect(count).toBe(2);
    expect(seen.map(({ authorization }) => authorization)).toEqual(sent);
    seen.splice(0);
    count = 0;
    await expect(holdfast.result(job)).rejects.toMatchObject(refusal);
    expect(seen.map(({ authorization }) => authorization)).toEqual(sent);
  });
});

describe("a token", () => {
  test("is asked for before each call, and each try", async () => {
    const { address, tls, seen, server } = await serve();
    server.admission = new Fault("DRAINING", "going away");
    let count = 0;
    const token = () => {
      if (++count === 3) server.admission = null;
      return `token-${count}`;
    };
    await client({ address, tls: trusted(tls), token }).once(job, () => 1);
    expect(seen.map(({ authorization }) => authorization)).toEqual([1, 2, 3, 4].map((each) => `Bearer token-${each}`));
  });

  test("that cannot be fetched for a while has the call wait for it", async () => {
    const { address, tls } = await serve();
    let count = 0;
    const token = async () => {
      if (++count < 3) throw new Error("the issuer is down");
      return SECRET;
    };
    expect(await client({ address, tls: trusted(tls), token }).once(job, () => 1)).toMatchObject({ value: 1 });
  });

  test("that can never be fetched fails the call with the cause", async () => {
    const { address, tls } = await serve();
    const cause = new Error("the issuer is down");
    const token = () => {
      throw cause;
    };
    const holdfast = client({ address, tls: trusted(tls), token, retry: { totalTimeoutMs: 50, baseDelayMs: 5 } });
    const error = await holdfast.once(job, () => 1).catch((thrown) => thrown);
    expect(error).toMatchObject({ reason: "TOKEN_UNAVAILABLE", code: Code.Unavailable, cause: { cause } });
    expect(error.message).not.toContain("issuer");
  });

  test("that is not fetched within the call's time fails it, and one that comes late changes nothing", async () => {
    const { address, tls, seen } = await serve();
    const late = Promise.withResolvers<string>();
    const { rpc } = client({ address, tls: trusted(tls), token: () => late.promise });
    const error = await rpc.getRecord({}, { timeoutMs: 20 }).catch((thrown) => toHoldfastError(thrown));
    expect(error).toMatchObject({ reason: "TOKEN_UNAVAILABLE", code: Code.DeadlineExceeded });
    late.resolve(SECRET);
    await late.promise;
    expect(seen).toEqual([]);
  });

  test("that is being fetched holds nobody up who has gone", async () => {
    const { address, tls } = await serve();
    const asked = Promise.withResolvers<void>();
    const token = () => {
      asked.resolve();
      return new Promise<string>(() => undefined);
    };
    const leaving = new AbortController();
    const { rpc } = client({ address, tls: trusted(tls), token });
    const call = rpc.getRecord({}, { signal: leaving.signal }).catch((thrown) => thrown);
    await asked.promise;
    leaving.abort(new Error("gone"));
    expect(await call).toMatchObject({ code: Code.Canceled });
  });

  test.each([
    ["empty", ""],
    ["with a line break", `${SECRET}\n`],
    ["with a space", `a ${SECRET}`],
    ["beyond ASCII", `${SECRET}ä`],
    ["too long", SECRET.repeat(1000)],
    ["undefined", undefined as unknown as string],
  ])("%s is refused in words of ours, fetched or not, and so is such an API key", async (_what, value) => {
    const { address, tls, seen } = await serve();
    const own = { address, tls: trusted(tls) };
    const error = await client({ ...own, token: () => value })
      .once(job, () => 1)
      .catch((thrown) => thrown);
    expect(error).toMatchObject({ reason: "TOKEN_UNAVAILABLE", code: Code.Unauthenticated });
    expect(everythingOf(error)).not.toContain(SECRET);
    expect(seen).toEqual([]);
    if (value === undefined) return;
    for (const credential of [{ token: value }, { apiKey: value }]) {
      const thrown = thrownBy(() => client({ ...own, ...credential }));
      expect(thrown).toBeInstanceOf(TypeError);
      expect(everythingOf(thrown)).not.toContain(SECRET);
    }
  });
});

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("a client is not made", () => {
  const authority = createAuthority();
  const { certPem: cert, keyPem: key } = authority.issue({ names: ["DNS:a"], client: true });
  const other = authority.issue({ names: ["DNS:b"], client: true });
  const address = "holdfast.example.org:7400";

  test.each<[string, ClientOptions, RegExp]>([
    ["that sends an API key in clear text", { address, apiKey: SECRET }, /clear text: set tls/],
    ["that sends a token in clear text", { address, token: () => SECRET }, /clear text: set tls/],
    ["that does so to one of its servers", { addresses: ["127.0.0.1:1", address], apiKey: SECRET }, /clear text/],
    ["with two credentials", { address, tls: true, apiKey: SECRET, token: SECRET }, /not both/],
    ["with a certificate and no key", { address, tls: { cert } }, /tls.cert and tls.key go together/],
    ["with a key and no certificate", { address, tls: { key } }, /tls.cert and tls.key go together/],
    ["with a key that is another's", { address, tls: { cert, key: other.keyPem } }, /not the key of tls.cert/],
    [
      "with paths",
      { address, tls: { ca: "/etc/ca.pem" } },
      /tls.ca must hold certificates in PEM: the text, not a path/,
    ],
    ["with no authority", { address, tls: { ca: "" } }, /tls.ca must hold certificates/],
    ["with a key that is none", { address, tls: { cert, key: SECRET } }, /tls.key must hold a private key/],
    ["with TLS for a transport of its caller's", { transport: inProcess(createFakeServer()), tls: true }, /tls is for/],
  ])("%s", (_what, options, why) => {
    const error = thrownBy(() => client(options));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(why);
    expect(everythingOf(error)).not.toContain(SECRET);
  });

  test.each([
    ["127.0.0.1:7400", true],
    ["127.255.0.9:1", true],
    ["localhost:7400", true],
    ["LOCALHOST:7400", true],
    ["[::1]:7400", true],
    ["dns:localhost:7400", true],
    ["dns:///localhost:7400", true],
    ["ipv4:127.0.0.1:1,127.0.0.2:1", true],
    ["ipv6:[::1]:7400", true],
    ["unix:/run/holdfast.sock", true],
    ["10.0.0.1:7400", false],
    ["127.0.0.1.example.org:7400", false],
    ["localhost.example.org:7400", false],
    ["::1:7400", false],
    ["dns://127.0.0.1/holdfast:7400", false],
    ["dns://9.9.9.9/localhost:7400", false],
    ["ipv4:127.0.0.1:1,10.0.0.1:1", false],
    ["xds:///localhost:7400", false],
    ["127.0.0.1\n.example.org:1", false],
  ])("that sends a credential in clear text to %s, unless that is this machine (%s)", (address, isLocal) => {
    expect(thrownBy(() => client({ address, apiKey: SECRET })) === undefined).toBe(isLocal);
  });

  test("but it is when something else encrypts, or when there is TLS", () => {
    client({ address, apiKey: SECRET, allowPlaintext: true });
    client({ address, apiKey: SECRET, tls: true });
    client({ address });
  });
});

test("a credential goes in clear text to this machine", async () => {
  const { seen, port } = await serve({ tls: null });
  await client({ address: `127.0.0.1:${port}`, apiKey: SECRET }).once(job, () => 1);
  expect(seen[0]?.authorization).toBe(`Bearer ${SECRET}`);
});

test("a transport that is handed in is given the credential, and whatever the caller puts in the headers stays", async () => {
  const server = createFakeServer();
  const inner = inProcess(server);
  const headers: Headers[] = [];
  const transport: typeof inner = {
    ...inner,
    unary(method, signal, timeoutMs, header, input, context) {
      headers.push(new Headers(header));
      return inner.unary(method, signal, timeoutMs, header, input, context);
    },
  };
  const { rpc } = client({ transport, apiKey: SECRET });
  await rpc.resolveTenant(
    { selector: { case: "tenantId", value: "default" } },
    { headers: { "x-own": "1", authorization: "Bearer other" }, contextValues: createContextValues() },
  );
  expect(headers.map((each) => [each.get("x-own"), each.get("authorization")])).toEqual([["1", `Bearer ${SECRET}`]]);
});

test("nothing that can be seen of a client shows its credential, nor what it warns of", async () => {
  const { address, tls, server } = await serve({
    refuse: ({ method }) => (method === "fail" ? "CREDENTIALS_INVALID" : null),
  });
  const warnings: unknown[] = [];
  const { certPem: cert, keyPem: key } = (tls as TestTls).authority.issue({ names: ["DNS:a"], client: true });
  const options = {
    address,
    tls: { ...trusted(tls), cert, key },
    onWarning: (warning: unknown) => warnings.push(warning),
  };
  for (const credential of [{ apiKey: SECRET }, { token: SECRET }, { token: () => SECRET }]) {
    const holdfast = client({ ...options, ...credential });
    const failed = holdfast.once({ ...job, key: `fails ${warnings.length}` }, () => {
      throw new Error("no luck");
    });
    await expect(failed).rejects.toThrow("no luck");
    expect(everythingOf(holdfast)).not.toContain(SECRET);
    expect(everythingOf(holdfast)).not.toContain("PRIVATE KEY");
    expect(JSON.stringify(holdfast)).not.toContain(SECRET);
  }
  expect(warnings).toHaveLength(3);
  expect(everythingOf(warnings)).not.toContain(SECRET);
  expect(server.warnings).toEqual([]);
});
