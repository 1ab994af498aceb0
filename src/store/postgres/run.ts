import type { Connection } from "./connection.ts";

/**
 * Lends a connection. Rejects with what `work` threw, or with a `Fault`, without having run it: STORE_UNAVAILABLE when
 * there is none to be had, OVERLOADED when too many wait for it.
 */
export type Run = <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;
