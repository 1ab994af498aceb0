import { describe, expect, test } from "vitest";
import {
  filesAreShort,
  filesBelow,
  importersAreFew,
  importsOf,
  importsPointDown,
  noBarrels,
  type Rule,
  settingsAreReadAtTheTop,
  theGroundStandsAlone,
  timeIsReadInOnePlace,
} from "../support/architecture.ts";

/** A file as path and text. */
type Example = readonly [path: string, text: string];

interface Case {
  readonly name: string;
  readonly rule: Rule;
  readonly broken: readonly Example[];
  readonly kept: readonly Example[];
}

const CASES: readonly Case[] = [
  {
    name: "imports point down the floors",
    rule: importsPointDown,
    broken: [
      ["src/rpc/claim.ts", 'import { createServer } from "../server/grpc.ts";'],
      ["src/operations/claim.ts", 'import type { Endpoint } from "../rpc/endpoint.ts";'],
      ["src/store/memory.ts", 'import { x } from "../operations/claim.ts";'],
      ["src/store/postgres/store.ts", 'import {\n  type A,\n  b,\n} from "../../rpc/endpoint.ts";'],
      ["src/domain/record.ts", 'export type { Store } from "../store/store.ts";'],
      ["src/clock.ts", 'import "./telemetry/log.ts";'],
      ["src/telemetry/log.ts", 'const later = await import("../server/compose.ts");'],
      ["src/client/once.ts", 'import { systemClock } from "../clock.ts";'],
      ["src/client/once.ts", 'import { keyText } from "../domain/key.ts";'],
      ["src/server/compose.ts", 'import { createClient } from "../client/client.ts";'],
      ["src/embedded/open.ts", 'import { startServer } from "../server/compose.ts";'],
      ["src/embedded/open.ts", 'import { sql } from "../cli/sql.ts";'],
      ["src/rpc/endpoints.ts", 'import { open } from "../embedded/open.ts";'],
      ["src/rpc/claim.ts", 'import { once } from "../client/once.ts";'],
      ["src/testing/network.ts", 'import { serveGrpc } from "../server/grpc.ts";'],
      ["src/helpers/text.ts", ""],
      ["src/server/compose.ts", 'import { x } from "../helpers/text.ts";'],
    ],
    kept: [
      ["src/main.ts", 'import { run } from "./cli/commands.ts";'],
      ["src/testing/records.ts", 'import { a } from "../client/body.ts"; import { b } from "../rpc/wire/record.ts";'],
      ["src/cli/demo/run.ts", 'import { createClient } from "../../client/client.ts";'],
      ["src/server/compose.ts", 'import { run } from "../cli/commands.ts"; import { x } from "../rpc/claim.ts";'],
      ["src/rpc/claim.ts", 'import { claim } from "../operations/claim.ts";'],
      ["src/embedded/embedded.ts", 'import { createClient } from "../client/client.ts"; import "../rpc/endpoints.ts";'],
      [
        "src/store/memory.ts",
        'import type { Log } from "../telemetry/log.ts"; import { addMs } from "../domain/instant.ts";',
      ],
      ["src/client/once.ts", 'import { x } from "./retry.ts"; import { y } from "../../gen/holdfast/v1/errors_pb.ts";'],
      ["src/domain/record.ts", '// import { x } from "../server/compose.ts";\n/* from "../rpc/x.ts" */'],
    ],
  },
  {
    name: "pg, prom-client, OpenTelemetry, pino, gen/, timers and process have few importers",
    rule: importersAreFew,
    broken: [
      ["src/operations/claim.ts", 'import pg from "pg";'],
      ["src/server/compose.ts", 'import { Pool } from "pg";'],
      ["src/store/postgres.ts", 'import { Client } from "pg";'],
      ["src/telemetry/log.ts", 'import { Counter } from "prom-client";'],
      ["src/rpc/pipeline.ts", 'import { trace } from "@opentelemetry/api";'],
      ["src/telemetry/metrics.ts", 'import { trace } from "@opentelemetry/api";'],
      ["src/server/grpc.ts", 'import { pino } from "pino";'],
      ["src/operations/claim.ts", 'import { ClaimRequestSchema } from "../../gen/holdfast/v1/idempotency_pb.ts";'],
      ["src/store/sweeper.ts", 'import { setTimeout as wait } from "node:timers/promises";'],
      ["src/rpc/claim.ts", "import { env } from 'node:process';"],
    ],
    kept: [
      ["src/store/postgres/connection.ts", 'import { Client } from "pg";'],
      ["src/telemetry/metrics.ts", 'import { Counter } from "prom-client";'],
      ["src/telemetry/tracing.ts", 'import { trace } from "@opentelemetry/api";'],
      ["src/client/tracing.ts", 'import { trace } from "@opentelemetry/api";'],
      ["src/telemetry/log.ts", 'import { pino } from "pino";'],
      ["src/rpc/wire/claim.ts", 'import { ClaimRequestSchema } from "../../../gen/holdfast/v1/idempotency_pb.ts";'],
      ["src/operations/claim.ts", 'import { x } from "pg-like"; import { y } from "./gen/x.ts";'],
    ],
  },
  {
    name: "floor 0 imports nothing but node and itself",
    rule: theGroundStandsAlone,
    broken: [
      ["src/domain/key.ts", 'import { fromBinary } from "@bufbuild/protobuf";'],
      ["src/clock.ts", 'import { pino } from "pino";'],
      ["src/domain/calls.ts", 'import type { Claim } from "../../gen/holdfast/v1/idempotency_pb.ts";'],
    ],
    kept: [["src/domain/key.ts", 'import { createHash } from "node:crypto"; import { x } from "./record.ts";']],
  },
  {
    name: "there are no index files",
    rule: noBarrels,
    broken: [
      ["src/domain/index.ts", ""],
      ["src/index.ts", ""],
    ],
    kept: [["src/domain/reindex.ts", ""]],
  },
  {
    name: "no file has more than 250 lines",
    rule: filesAreShort,
    broken: [["src/server/compose.ts", "x;\n".repeat(251)]],
    kept: [["src/server/compose.ts", "x;\n".repeat(250)]],
  },
  {
    name: "only the clock reads time and sets timers",
    rule: timeIsReadInOnePlace,
    broken: [
      ["src/server/drain.ts", "const now = Date.now();"],
      ["src/server/drain.ts", "const read = Date.now;"],
      ["src/server/drain.ts", "const now = new Date();"],
      ["src/server/drain.ts", "const now = new Date( );"],
      ["src/server/drain.ts", "const now = new Date;"],
      ["src/server/drain.ts", "setTimeout(stop, 10);"],
      ["src/server/drain.ts", "const timer = globalThis.setTimeout(stop, 10);"],
      ["src/server/drain.ts", "await promisify(setTimeout)(10);"],
      ["src/server/drain.ts", "setInterval(tick, 10);"],
      ["src/server/drain.ts", "const ms = performance.now();"],
      ["src/client/once.ts", "setTimeout(stop, 10);"],
    ],
    kept: [
      ["src/clock.ts", "setTimeout(stop, 10); performance.now();"],
      ["src/client/clock.ts", "setTimeout(stop, 10);"],
      ["src/server/http.ts", "server.setTimeout(10_000);"],
      ["src/store/postgres/instant.ts", "const date = new Date(instant / 1000);"],
      ["src/server/drain.ts", "// Not Date.now(): it steps.\nclearTimeout(timer);"],
    ],
  },
  {
    name: "only main.ts, cli/ and server/ read settings of the process",
    rule: settingsAreReadAtTheTop,
    broken: [
      ["src/store/postgres/connection.ts", 'const url = process.env["DATABASE_URL"];'],
      ["src/telemetry/log.ts", "const { LEVEL } = process.env;"],
      ["src/rpc/claim.ts", "process.argv.slice(2);"],
      ["src/client/once.ts", 'process["env"];'],
    ],
    kept: [
      ["src/main.ts", "process.argv.slice(2);"],
      ["src/cli/serve.ts", "process.env;"],
      ["src/server/config.ts", "process.env;"],
      ["src/store/postgres/migrate.ts", "process.pid;"],
    ],
  },
];

describe.each(CASES)("$name", ({ rule, broken, kept }) => {
  test("everywhere in src/", () => {
    const broke = filesBelow("src").flatMap((file) => rule(file).map((what) => `${file.path}: ${what}`));
    expect(broke).toEqual([]);
  });

  test.each(broken)("%s breaks it: %s", (path, text) => {
    expect(rule({ path, text })).not.toEqual([]);
  });

  test.each(kept)("%s keeps it: %s", (path, text) => {
    expect(rule({ path, text })).toEqual([]);
  });
});

test("every way to import is seen, and what only looks like one is not", () => {
  const text = `
    import pg from "a";
    import type { A } from 'b';
    import { x,
      type Y } from "./c.ts";
    import "d";
    import * as all from "../e.ts";
    export { z } from "f";
    export * from "g";
    const late = await import("h");
    const old = createRequire(import.meta.url); require("i");
    type Lazy = import("j").Lazy;
    // import "no";
    /* import "no"; */
    const words = "// not a comment"; import "k";
    Array.from("no"); const from = "no";
  `;
  expect(importsOf("src/server/x.ts", text)).toEqual([
    ...["a", "b", "src/server/c.ts", "d", "src/e.ts", "f", "g", "h", "i", "j", "k"],
  ]);
});

test("the walk sees the whole of src/", () => {
  const paths = filesBelow("src").map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(["src/clock.ts", "src/domain/reducer/claim.ts", "src/store/store.ts"]));
});
