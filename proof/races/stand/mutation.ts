import type { Connection } from "../../../src/store/postgres/connection.ts";
import type { Database } from "../../../src/store/postgres/database.ts";
import type { Lanes } from "../../../src/store/postgres/lanes.ts";
import { loadStatement } from "../../../src/store/postgres/statement.ts";
import type { Store } from "../../../src/store/store.ts";
import type { WaitLimits } from "../../../src/waiting/hub.ts";
import { MUTANTS } from "../../sim/mutants.ts";
import type { ServerMutation } from "../../sim/mutation.ts";
import type { Control } from "../race.ts";

/** What a server of a control lacks; it is put in from outside, the service's code stays as it is. */
export interface Mutation {
  /** Of the statements' texts. */
  readonly rewrites?: readonly Rewrite[];
  /** Made anew for each server. */
  readonly server?: () => Pick<ServerMutation, "reads" | "hub" | "waking">;
  /** What calls go through. */
  readonly store?: (store: Store) => Store;
  readonly limits?: Partial<WaitLimits>;
}

export interface Rewrite {
  readonly statement: string;
  /** Lines of it, without indentation and comments. */
  readonly from: string;
  readonly to: string;
}

/** A mutant of the simulation, which is put between the same parts of a server. */
export function borrowed(id: string): Control {
  const mutant = MUTANTS.find((one) => one.id === id);
  const server = mutant?.mutation.server;
  if (mutant === undefined || server === undefined) throw new Error(`bug: no mutant ${id} of servers`);
  return { name: id, what: mutant.name, mutation: { server } };
}

/** A database that is sent other statements than the service wrote. */
export function rewriting(database: Database, rewrites: readonly Rewrite[]): Database {
  const texts = new Map<string, string>();
  for (const { statement, from, to } of rewrites) {
    const text = texts.get(statement) ?? loadStatement(statement).text;
    if (!text.includes(from)) throw new Error(`bug: ${statement}.sql has nothing like: ${from}`);
    texts.set(statement, text.replace(from, to));
  }
  if (texts.size === 0) return database;
  return { ...database, lanes: (count, options) => rewritingLanes(database.lanes(count, options), texts) };
}

function rewritingLanes(lanes: Lanes, texts: ReadonlyMap<string, string>): Lanes {
  return {
    ...lanes,
    run: (lane, work, options) =>
      lanes.run(lane, (connection) => work(rewritingConnection(connection, texts)), options),
  };
}

function rewritingConnection(connection: Connection, texts: ReadonlyMap<string, string>): Connection {
  return {
    query: ({ name, text }, values) => connection.query({ name, text: texts.get(name) ?? text }, values),
  };
}
