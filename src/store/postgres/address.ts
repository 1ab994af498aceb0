import { Client } from "pg";

/** What a database URL leads to, with what the environment and the driver add to it. */
export interface AddressParts {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

export function partsOf(url: string): AddressParts {
  const { host, port, user, database } = new Client({ connectionString: url });
  return { host, port, user: user ?? "", database: database ?? "" };
}
