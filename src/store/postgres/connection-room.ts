import type { Client } from "pg";
import type { StartupProblem } from "./startup.ts";
import { loadStatement } from "./statement.ts";

/** What the processes of one server need of one database. */
export interface ConnectionNeed {
  readonly processes: number;
  /** Of each process. */
  readonly each: number;
  /** For commands and for people. */
  readonly spare: number;
}

/** As the database names them. */
export interface ConnectionRoom {
  readonly max_connections: number;
  /** Of `max_connections`, what is not reserved. */
  readonly of_server: number;
  readonly of_role: number | null;
  readonly of_database: number | null;
  readonly role: string;
  readonly database: string;
}

const connectionRoom = loadStatement("connection-room");

/** What other servers have open is not looked at: a server that is on its way out has its connections until then. */
export async function findRoomProblems(client: Client, need: ConnectionNeed): Promise<readonly StartupProblem[]> {
  const { rows } = await client.query<ConnectionRoom>(connectionRoom);
  const room = rows[0];
  if (room === undefined) throw new Error("bug: no row from connection-room");
  return judgeRoom(room, need);
}

export function judgeRoom(room: ConnectionRoom, { processes, each, spare }: ConnectionNeed): readonly StartupProblem[] {
  const { max_connections, of_server, of_role, of_database, role, database } = room;
  const needed = processes * each + spare;
  const reserved = max_connections - of_server;
  const allowed: readonly (readonly [number | null, string, string])[] = [
    [
      of_server,
      `max_connections = ${max_connections} allows this role ${of_server}`,
      `Set max_connections = ${needed + reserved} or more and restart the database`,
    ],
    [of_role, `the role may have ${of_role}`, `Run: alter role ${role} connection limit ${needed};`],
    [of_database, `the database takes ${of_database}`, `Run: alter database ${database} connection limit ${needed};`],
  ];
  return allowed.flatMap(([most, says, mend]) => {
    if (most === null || most >= needed) return [];
    const fitting = Math.max(1, Math.floor((most - spare) / each));
    const what = `${processes} workers need ${needed} connections, ${each} for each and ${spare} for commands, and ${says}.`;
    return [{ what, mend: `${mend}${mend.endsWith(";") ? "" : ","} or start with --workers ${fitting}.` }];
  });
}
