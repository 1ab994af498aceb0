import { describe, expect, test } from "vitest";
import { type ClientOptions, createClient } from "../../../../src/client/client.ts";

describe("options", () => {
  test.each<[string, ClientOptions, RegExp]>([
    ["a URL", { address: "http://127.0.0.1:7401", transport: "session" }, /must be host:port.*and not a URL/],
    ["one URL of several", { addresses: ["a:1", "HTTPS://b"], transport: "session" }, /and not a URL/],
    ["a URL without sessions", { address: "https://user:secret@a" }, /and not a URL$/],
    ["no address", { transport: "session" }, /needs an address/],
    [
      "an unknown transport",
      { transport: "sessions" as never },
      /"grpc", "session", "connect" or a Transport.*not "sessions"/,
    ],
    ["a credential in clear text", { address: "a:1", apiKey: "k", transport: "session" }, /in clear text: set tls/],
  ])("with %s are refused at once", (_, options, message) => {
    expect(() => createClient(options)).toThrow(TypeError);
    expect(() => createClient(options)).toThrow(message);
  });
});
