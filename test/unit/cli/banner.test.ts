import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { banner } from "../../../src/cli/banner.ts";

const run = promisify(execFile);

test("the command in the banner claims with an id of its own each time, and wants sh and curl alone", async () => {
  const text = banner({ grpc: "127.0.0.1:7400", http: "127.0.0.1:7401", database: "embedded", tls: false, auth: null });
  const command = text.slice(text.indexOf("curl http"));
  expect(command).not.toBe("");
  const sent = async () => {
    const { stdout } = await run("/bin/sh", ["-c", `curl() { printf '%s\\0' "$@"; }\n${command}`]);
    return stdout.split("\0");
  };
  const [url, , header, , body = ""] = await sent();
  expect(url).toBe("http://127.0.0.1:7401/holdfast.v1.IdempotencyService/Claim");
  expect(header).toBe("content-type: application/json");
  expect(JSON.parse(body)).toEqual({
    key: { scope: "charge", key: "order-1" },
    claim_id: expect.stringMatching(/^[0-9A-Fa-f-]{36}$/),
  });
  expect((await sent())[4]).not.toBe(body);
});
