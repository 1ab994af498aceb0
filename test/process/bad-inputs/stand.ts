import { type DescMessage, fromBinary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BadRequestSchema, ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import type { ErrorReason } from "../../../gen/holdfast/v1/errors_pb.ts";
import { type ClaimResponse, IdempotencyService, type LeaseHandle } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { newClaimId } from "../callers.ts";
import { type LogLine, type ServerProcess, startServer } from "../server.ts";
import { until } from "../waiting-calls.ts";
import type { Answer, CodeName } from "./answer.ts";
import { encode, type Headers, type Method, WIRE_NAMES, WIRES, type Wire, type WireName } from "./wires.ts";

const { method } = IdempotencyService;

/** Planted in what is sent; nothing that comes back, and no line of the log, may contain it. */
export const CANARY = "c4n4ry";

export interface Refusal {
  readonly code: CodeName;
  /** Without one the transport refuses, before the call exists. */
  readonly reason?: Exclude<keyof typeof ErrorReason, "UNSPECIFIED">;
  /** The fields that BadRequest names, in order; none: no BadRequest. */
  readonly fields?: readonly string[];
}

export const FIELD_INVALID = (...fields: readonly string[]): Refusal => ({
  code: "INVALID_ARGUMENT",
  reason: "FIELD_INVALID",
  fields,
});

/** A server of the file's own on a database of its own, and one connection to it per protocol. */
export interface Stand {
  readonly server: ServerProcess;
  readonly database: TestDatabase;
  readonly sql: pg.Client;
  readonly wires: Readonly<Record<WireName, Wire>>;
}

/**
 * For the whole file. Its last test must be `livesOn`.
 *
 * @param args asked for when the server is started
 * @param prepare makes the stand that the tests see; what it leaves of the given one is closed at the end all the same
 */
export function useStand(
  args: readonly string[] | (() => readonly string[]) = [],
  prepare: (stand: Stand) => Stand | Promise<Stand> = (stand) => stand,
): Stand {
  let stand: Stand | undefined;
  beforeAll(async () => {
    const database = await createTestDatabase();
    const sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
    // Records are aged by hand here; a sweeper that deletes them in between would make other cases of them.
    const quiet = ["--sweep-interval", "1h", "--log-level", "debug"];
    const more = typeof args === "function" ? args() : args;
    const server = await startServer({ databaseUrl: database.url, args: [...quiet, ...more] });
    const wires = Object.fromEntries(WIRE_NAMES.map((name) => [name, WIRES[name](server)]));
    stand = { server, database, sql, wires: wires as Record<WireName, Wire> };
    stand = await prepare(stand);
  });
  afterAll(async () => {
    for (const wire of Object.values(stand?.wires ?? {})) wire[Symbol.dispose]();
    await stand?.server[Symbol.asyncDispose]();
    await stand?.sql.end();
    await stand?.database.drop();
  });
  const get = <Part extends keyof Stand>(part: Part): Stand[Part] => {
    if (stand === undefined) throw new Error("the stand is there from beforeAll on");
    return stand[part];
  };
  return {
    get server() {
      return get("server");
    },
    get database() {
      return get("database");
    },
    get sql() {
      return get("sql");
    },
    get wires() {
      return get("wires");
    },
  };
}

/** What must be true of the server when a whole file of bad inputs has been through it. */
export function livesOn(stand: Stand): void {
  test("the server has lived through it: no INTERNAL, no UNKNOWN, and no input in its log", async () => {
    const metrics = await (await fetch(`${stand.server.http}/metrics`)).text();
    const bugs = metrics.match(/^grpc_server_handled_total\{.*grpc_code="(Internal|Unknown|DataLoss)"\} [^0].*$/gm);
    expect(bugs).toBeNull();
    const { lines } = stand.server;
    expect(lines.filter(({ level }) => level === "error")).toEqual([]);
    expect(JSON.stringify(lines)).not.toContain(CANARY);
    expect(stand.server.stderr()).toBe("");
    for (const wire of Object.values(stand.wires)) await lives(wire);
  });
}

/** Sends and expects success. */
export async function call<I extends DescMessage, O extends DescMessage>(
  wire: Wire,
  method: Method<I, O>,
  init: MessageInitShape<I>,
  headers?: Headers,
): Promise<MessageShape<O>> {
  const { code, message, response } = await wire.send(method, encode(wire, method, init), headers);
  expect({ code, message }).toMatchObject({ code: "OK" });
  return fromBinary(method.output, response);
}

/** Sends and expects this refusal; afterwards the connection carries a good call and no row is there that was not. */
export async function refuses(
  { sql }: Stand,
  wire: Wire,
  method: Method,
  message: Uint8Array,
  refusal: Refusal,
  headers?: Headers,
): Promise<Answer> {
  const before = await countRecords(sql);
  const answer = await wire.send(method, message, headers);
  expectRefusal(answer, refusal);
  expect(await countRecords(sql)).toBe(before);
  await lives(wire);
  return answer;
}

/** This refusal, and nothing of what was sent. */
export function expectRefusal(answer: Answer, refusal: Refusal): void {
  expect(readRefusal(answer)).toEqual({ fields: [], ...refusal, ...(refusal.reason && { domain: "holdfast.v1" }) });
  expect(answer.received).not.toContain(CANARY);
}

/** The same for a request that can be said in every format. */
export function refusesCall<I extends DescMessage, O extends DescMessage>(
  stand: Stand,
  wire: Wire,
  method: Method<I, O>,
  init: MessageInitShape<I>,
  refusal: Refusal,
): Promise<Answer> {
  return refuses(stand, wire, generic(method), encode(wire, method, init), refusal);
}

/** A good call on the same connection. */
export async function lives(wire: Wire): Promise<void> {
  const tenant = await call(wire, method.resolveTenant, { selector: { case: "tenantId", value: "default" } });
  expect(tenant.tenantId).toBe("default");
  expect(wire.isUnbroken()).toBe(true);
}

export async function countRecords(sql: pg.Client): Promise<number> {
  const { rows } = await sql.query<{ readonly count: string }>("select count(*) from holdfast.record");
  return Number(rows[0]?.count);
}

export function readRefusal({ code, details }: Answer) {
  const info = details.get("google.rpc.ErrorInfo");
  const { reason, domain } = info === undefined ? {} : fromBinary(ErrorInfoSchema, info);
  return {
    code,
    ...(info && { reason, domain }),
    fields: violationsOf({ details }).map(({ field }) => field),
  };
}

/** The line of the log that tells of a call which was answered INTERNAL. It may come later than the answer. */
export async function alarmOf({ server }: Stand, { message }: Answer): Promise<LogLine | undefined> {
  const id = /request id (\S+)$/.exec(message)?.[1];
  const find = () => server.lines.find(({ requestId, level }) => level === "error" && requestId === id);
  if (id !== undefined) await until(() => find() !== undefined);
  return find();
}

export function violationsOf({ details }: Pick<Answer, "details">) {
  const bad = details.get("google.rpc.BadRequest");
  return bad === undefined ? [] : fromBinary(BadRequestSchema, bad).fieldViolations;
}

export function leaseOf({ detail }: ClaimResponse) {
  if (detail.case !== "acquired" || detail.value.lease === undefined) throw new Error(`not acquired: ${detail.case}`);
  return detail.value.lease;
}

/** Claims a fresh key and gives the handle that proves it. */
export async function acquire(wire: Wire, claim: MessageInitShape<typeof method.claim.input>): Promise<LeaseHandle> {
  const { handle } = leaseOf(await call(wire, method.claim, { claimId: newClaimId(), ...claim }));
  if (handle === undefined) throw new Error("a lease without a handle");
  return handle;
}

/** Lets time pass for one record: everything that was written of it was written that much earlier. */
export async function age(sql: pg.Client, { key }: { readonly key: string }, interval: string): Promise<void> {
  const columns = ["due", "forget_at", "sweep_at", "create_time", "attempt_start_time", "end_time"];
  const shifts = columns.map((column) => `${column} = ${column} - $2::interval`);
  const { rowCount } = await sql.query(`update holdfast.record set ${shifts} where key = $1`, [key, interval]);
  expect(rowCount).toBe(1);
}

/** A method without its types, as tables need it. */
export function generic<I extends DescMessage, O extends DescMessage>(method: Method<I, O>): Method {
  return method as unknown as Method;
}
