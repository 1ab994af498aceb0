import pg from "pg";

/** One row: money was taken. */
export interface Charge {
  readonly eventId: string;
  readonly chargeId: string;
  /** Of the attempt that made it. */
  readonly fence: bigint;
  readonly worker: string;
}

/**
 * Stands for the payment provider, and for every target of a side effect that checks nothing: it takes whatever comes,
 * twice if it comes twice. It has no unique constraint on purpose; that each event is charged once is Holdfast's doing.
 */
export interface Ledger extends AsyncDisposable {
  /** Throws `ChargeError`. `mayCharge` is asked at the last moment, and a charge that it forbids is not sent. */
  charge(charge: Charge, mayCharge: () => boolean): Promise<void>;
  chargesOf(eventId: string): Promise<readonly Charge[]>;
  all(): Promise<readonly Charge[]>;
}

/** `sent` is what the caller must know: false, nothing was charged and nothing will be; true, nobody can tell. */
export class ChargeError extends Error {
  override readonly name = "ChargeError";
  readonly sent: boolean;

  constructor(sent: boolean, cause: unknown) {
    super(sent ? "the charge was sent, and not answered" : "the charge was not sent", { cause });
    this.sent = sent;
  }
}

export interface LedgerOptions {
  readonly databaseUrl: string;
  readonly connections: number;
  /** A charge that takes longer is undone: so much later than its lease it can come true, and no more. */
  readonly chargeMsMax: number;
}

const CREATE = `
  create schema demo;
  create table demo.ledger (
    event_id   text        not null,
    charge_id  uuid        not null,
    fence      bigint      not null,
    worker     text        not null,
    charged_at timestamptz not null default clock_timestamp()
  );`;

const INSERT = `
  insert into demo.ledger (event_id, charge_id, fence, worker)
  values ($1::text, $2::uuid, $3::bigint, $4::text)`;

const SELECT = `
  select event_id as "eventId", charge_id as "chargeId", fence, worker
  from demo.ledger
  where $1::text is null or event_id = $1::text
  order by charged_at`;

export async function createLedger(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(CREATE);
  } finally {
    await client.end();
  }
}

export function openLedger({ databaseUrl, connections, chargeMsMax }: LedgerOptions): Ledger {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: connections,
    statement_timeout: chargeMsMax,
    application_name: "holdfast-demo",
  });
  // An idle connection that breaks is replaced by the next query, which reports what it then meets.
  pool.on("error", () => {});

  const read = async (eventId: string | null): Promise<readonly Charge[]> => {
    const { rows } = await pool.query<Omit<Charge, "fence"> & { readonly fence: string }>(SELECT, [eventId]);
    return rows.map((row) => ({ ...row, fence: BigInt(row.fence) }));
  };

  return {
    async charge({ eventId, chargeId, fence, worker }, mayCharge) {
      // The connection comes first: leave must not be asked for before a wait, and used after it.
      const connection = await pool.connect().catch((error: unknown) => {
        throw new ChargeError(false, error);
      });
      try {
        if (!mayCharge()) throw new ChargeError(false, new Error("the lease is over"));
        await connection.query(INSERT, [eventId, chargeId, fence, worker]).catch((error: unknown) => {
          throw new ChargeError(true, error);
        });
      } finally {
        connection.release();
      }
    },
    chargesOf: read,
    all: () => read(null),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}
