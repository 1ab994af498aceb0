import { DatabaseError } from "pg";
import { expect, test } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { ConnectionLost, isAbsence, NotDurableYet, WrongPrimary } from "../../../src/store/postgres/errors.ts";
import { databaseError } from "./fake-database.ts";

function systemError(code: string, syscall = "connect"): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}

test.each([
  ["nobody listens", systemError("ECONNREFUSED")],
  ["no socket yet", systemError("ENOENT")],
  ["no such name", systemError("ENOTFOUND", "getaddrinfo")],
  ["names are not answered", systemError("EAI_AGAIN", "getaddrinfo")],
  ["no way", systemError("EHOSTUNREACH")],
  ["cut off", systemError("ECONNRESET", "read")],
  ["silent", new Error("timeout expired")],
  ["closed", new Error("Connection terminated unexpectedly")],
  ["every address of a name", new AggregateError([systemError("ECONNREFUSED"), systemError("ETIMEDOUT")])],
  ["starting", databaseError("57P03")],
  ["stopping", databaseError("57P01")],
  ["full", databaseError("53300")],
  ["a pooler without a server", databaseError("08P01")],
  ["a lock", databaseError("55P03")],
  ["a session that was lost", new ConnectionLost(new Error("gone"))],
  ["a standby that is waited for", new NotDurableYet()],
  ["any of these in other words", new Fault("STORE_UNAVAILABLE", "away", { cause: systemError("ECONNREFUSED") })],
])("%s is an absence", (_name, error) => {
  expect(isAbsence(error)).toBe(true);
});

test.each([
  ["a wrong password", databaseError("28P01")],
  ["a role that is not there", databaseError("28000")],
  ["a database that is not there", databaseError("3D000")],
  ["a privilege", databaseError("42501")],
  ["a certificate", systemError("SELF_SIGNED_CERT_IN_CHAIN")],
  ["a file that is not there", systemError("ENOENT", "open")],
  ["no encryption", new Error("The server does not support SSL connections")],
  ["a standby", new WrongPrimary("the database is a standby")],
  ["one address of two", new AggregateError([systemError("ECONNREFUSED"), databaseError("28P01")])],
  ["a fault of other cause", new Fault("STORE_UNAVAILABLE", "away", { cause: new WrongPrimary("standby") })],
  ["a mistake of ours", new TypeError("bug")],
  ["an error without a code", new DatabaseError("odd", 0, "error")],
  ["nothing", null],
])("%s is none", (_name, error) => {
  expect(isAbsence(error)).toBe(false);
});
