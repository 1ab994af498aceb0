import { generateKeyPairSync } from "node:crypto";
import type { ServerResponse } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import type { Validator } from "../../../../src/domain/registration.ts";
import { createGuardedFetch } from "../../../../src/tenants/validators/guarded-fetch.ts";
import { createValidate } from "../../../../src/tenants/validators/validate.ts";
import { createAuthority } from "../../../support/certificates.ts";
import { startHttpsServer } from "../../../support/https-server.ts";
import { createManualClock } from "../../store/manual-clock.ts";

const authority = createAuthority();
const certificate = authority.issue({ names: ["DNS:acme.example"] });
const never = new AbortController().signal;

async function validating(answer: (response: ServerResponse) => void) {
  const server = await startHttpsServer(certificate, (_, response) => answer(response));
  onTestFinished(() => server[Symbol.asyncDispose]());
  const validate = createValidate({
    fetch: createGuardedFetch({
      clock: createManualClock(),
      resolve: async () => ["127.0.0.1"],
      allowLoopback: true,
      ports: [server.port],
      ca: authority.caPem,
    }),
  });
  const url = `https://acme.example:${server.port}/health`;
  return { server, validate, url, ask: (kind: "http" | "jwks") => validate({ validator: { kind, url } }, never) };
}

const publicKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
const symmetricKey = { kty: "oct", k: "c2VjcmV0LWNhbmFyeQ" };

test("a tenant without validator is accepted, and nobody asked", async () => {
  const { server, validate } = await validating((response) => response.end());
  expect(await validate({ validator: { kind: "none" } }, never)).toEqual({ kind: "accepted" });
  expect(server.connections).toBe(0);
});

test.each<[Validator["kind"] & ("http" | "jwks"), number, unknown, unknown]>([
  ["http", 200, "", { kind: "accepted" }],
  ["http", 204, "", { kind: "accepted" }],
  ["http", 302, "", { kind: "refused", reason: "the address redirects, which is not followed" }],
  ["http", 403, "", { kind: "refused", reason: "the address answered 403" }],
  ["http", 500, "", { kind: "uncertain", reason: "the address answered 500" }],
  ["jwks", 200, { keys: [publicKey] }, { kind: "accepted" }],
  ["jwks", 200, { keys: [symmetricKey] }, { kind: "refused", reason: "the key set holds a symmetric key" }],
  ["jwks", 200, "<html>", { kind: "refused", reason: "the answer is not a key set" }],
  ["jwks", 204, "", { kind: "refused", reason: "the answer is not a key set" }],
  ["jwks", 404, { keys: [publicKey] }, { kind: "refused", reason: "the address answered 404" }],
  ["jwks", 502, { keys: [publicKey] }, { kind: "uncertain", reason: "the address answered 502" }],
])("a validator of kind %s that answers %s %j is understood", async (kind, status, body, verdict) => {
  const { ask } = await validating((response) => {
    response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
  });
  expect(await ask(kind)).toEqual(verdict);
});

test("a validator that hangs up leaves it open", async () => {
  const { ask } = await validating((response) => response.socket?.destroy());
  expect(await ask("http")).toEqual({ kind: "uncertain", reason: "the connection failed" });
});

test("whoever stops waiting is told at once why", async () => {
  const asked = Promise.withResolvers<void>();
  const { validate, url } = await validating(() => asked.resolve());
  const stop = new AbortController();
  const verdict = validate({ validator: { kind: "http", url } }, stop.signal);
  await asked.promise;
  stop.abort(new Error("unregistered"));
  await expect(verdict).rejects.toThrow("unregistered");
});
