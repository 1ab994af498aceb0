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
 * Stands for two payment providers. One is like most targets of a side effect and checks nothing: it takes whatever
 * comes, twice if it comes twice. The other compares fences. Neither has a unique constraint, on purpose; that each event
 * is charged once is Holdfast's doing.
 */
export interface Ledger extends AsyncDisposable {
  /**
   * At the provider that checks nothing. `mayCharge` is asked at the last moment, and a charge that it forbids is not
   * sent. Throws `ChargeError`.
   */
  charge(charge: Charge, mayCharge: () => boolean): Promise<void>;
  /**
   * At the provider that compares fences: shows it this one, looks whether an earlier attempt has charged, and charges if
   * not. Resolves to the id of the charge that the event now has. Throws `ChargeError`, unsent also when a higher fence
   * was there first.
   *
   * Nothing can come between looking and charging: from the moment that the fence is shown, what comes with a lower one
   * is refused, however long it was on its way; and should a higher one be shown meanwhile, this charge is refused.
   */
  chargeFenced(charge: Charge): Promise<string>;
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
  );
  create table demo.highest_fence (
    event_id   text        primary key,
    fence      bigint      not null
  );`;

const INSERT = `
  insert into demo.ledger (event_id, charge_id, fence, worker)
  values ($1::text, $2::uuid, $3::bigint, $4::text)`;

/** Changes no row when a higher fence is there. */
const SHOW_FENCE = `
  insert into demo.highest_fence as shown (event_id, fence)
  values ($1::text, $2::bigint)
  on conflict (event_id) do update set fence = excluded.fence where shown.fence <= excluded.fence`;

/** The lock has whoever shows a higher fence wait for this charge, and then find it; or this one wait, and be refused. */
const INSERT_FENCED = `
  insert into demo.ledger (event_id, charge_id, fence, worker)
  select $1::text, $2::uuid, $3::bigint, $4::text
  from demo.highest_fence
  where event_id = $1::text and fence = $3::bigint
  for update`;

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
      const connection = await pool.connect().catch(failed({ sent: false }));
      try {
        if (!mayCharge()) throw new ChargeError(false, new Error("the lease is over"));
        await connection.query(INSERT, [eventId, chargeId, fence, worker]).catch(failed({ sent: true }));
      } finally {
        connection.release();
      }
    },
    async chargeFenced({ eventId, chargeId, fence, worker }) {
      const shown = await pool.query(SHOW_FENCE, [eventId, fence]).catch(failed({ sent: false }));
      if (shown.rowCount === 0) throw new ChargeError(false, SUPERSEDED);
      const [earlier] = await read(eventId).catch(failed({ sent: false }));
      if (earlier !== undefined) return earlier.chargeId;
      const values = [eventId, chargeId, fence, worker];
      const charged = await pool.query(INSERT_FENCED, values).catch(failed({ sent: true }));
      if (charged.rowCount === 0) throw new ChargeError(false, SUPERSEDED);
      return chargeId;
    },
    chargesOf: read,
    all: () => read(null),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

const SUPERSEDED = new Error("a higher fence was shown");

function failed({ sent }: Pick<ChargeError, "sent">): (error: unknown) => never {
  return (error) => {
    throw new ChargeError(sent, error);
  };
}
