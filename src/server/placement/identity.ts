import type { Connection } from "../../store/postgres/connection.ts";
import { type Acquaintance, acquaint, readIdentity } from "../../store/postgres/identity.ts";
import type { Run } from "../../store/postgres/run.ts";
import { OperatorError } from "../operator-error.ts";

/** The heading of docs/scaling.md with what to do when it is no mistake. */
const PAGE = 'docs/scaling.md, "Replacing a cluster"';

/**
 * Throws unless the database is the one that every server calls by this name. Two servers that were told different
 * addresses for one name would both let a caller acquire the same record: each has a database where nobody else holds it.
 * The name belongs to the first database that any server opened under it; main remembers which one. Without main's answer
 * nothing is opened.
 *
 * Main can vouch for no copy of itself: a server whose main is another one asks another one.
 *
 * @param connection to the database
 * @param main lends a connection to main
 */
export async function requireIdentity(name: string, connection: Connection, main: Run): Promise<void> {
  const identity = await readIdentity(connection);
  if (identity === null) {
    throw new OperatorError(`it has lost its identity, the row of holdfast.identity; see ${PAGE}`);
  }
  const answer = await main((asked) => acquaint(asked, name, identity)).catch((error: unknown) => {
    throw new OperatorError(`main cannot be asked which database is ${name}`, { cause: error });
  });
  const problem = problemOf(answer, name);
  if (problem !== null) throw new OperatorError(problem);
}

function problemOf(answer: Acquaintance, name: string): string | null {
  switch (answer.kind) {
    case "agreed":
      return null;
    case "other-database":
      return (
        `main knows another database as the placement ${name}: correct the address that this server was given. ` +
        `If the cluster was really replaced, first see ${PAGE}, then run on main: ` +
        `delete from holdfast.placement where name = '${name}'`
      );
    case "other-name":
      return (
        `main knows this database, or one that it is a copy of, as the placement ${answer.name}: correct the address ` +
        `that this server was given. If it is a copy, or ${answer.name} has a new name, see ${PAGE}`
      );
    case "forgotten":
      return `main was just told to forget ${name}`;
  }
}
