import type { Tracing } from "../../telemetry/tracing.ts";
import type { Connection } from "./connection.ts";
import type { Database } from "./database.ts";
import type { Lanes } from "./lanes.ts";

/**
 * A database whose lanes work on behalf of whoever asked: a statement is a span below the call or the batch that it is
 * for, also when it waited for its turn behind somebody else's.
 */
export function traceDatabase(database: Database, tracing: Tracing): Database {
  return { ...database, lanes: (count, options) => traceLanes(database.lanes(count, options), tracing) };
}

function traceLanes(lanes: Lanes, tracing: Tracing): Lanes {
  return {
    ...lanes,
    run<T>(lane: number, work: (connection: Connection) => Promise<T>, options?: Parameters<Lanes["run"]>[2]) {
      const later = tracing.bound((connection: Connection) => work(traceConnection(connection, tracing)));
      return lanes.run(lane, later, options);
    },
  };
}

function traceConnection(connection: Connection, tracing: Tracing): Connection {
  return {
    query: (statement, values) => tracing.statement(statement.name, () => connection.query(statement, values)),
  };
}
