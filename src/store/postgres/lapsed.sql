-- Sweeper: reads one window of open records, in the order of the index over them, and says which of them are abandoned
-- (claimable for one result retention, and never claimed again), which exhausted (attempts used up, the lease or delay
-- over) and which stuck (1 outcome-unknown, 2 lease-expired, 3 overdue; since when). Touches nothing.
--
-- $1 after_tenant text   $2 after_create_time timestamptz   $3 after_scope text   $4 after_key text
--   where the window before ended; empty strings and -infinity: from the first record
-- $5 window int: how many records to look at
-- $6 as_of timestamptz: null for the database's clock
--
-- A window, because no index can say what is due: `due` moves with every heartbeat, and an index on it would cost each
-- of them its heap-only update.
with moment as materialized (
  select coalesce($6::timestamptz, clock_timestamp()) as now
)
select
  k.tenant, k.scope, k.key, k.fence, k.create_time,
  k.suspect_token is null
    and (k.state = 2 or (k.state = 1 and not k.hold))
    and not (k.max_attempts > 0 and k.attempt >= k.max_attempts)
    and k.due + k.result_retention_ms * interval '1 ms' <= m.now as abandoned,
  k.suspect_token is null
    and (k.state = 2 or (k.state = 1 and not k.hold))
    and k.max_attempts > 0 and k.attempt >= k.max_attempts
    and k.due <= m.now as exhausted,
  m.now,
  -- STUCK_GRACE_MS after the lease or the delay was over; an unbound one waits for its first claim.
  case
    when k.state = 5 or (k.state = 1 and k.due <= m.now and (k.hold or k.suspect_token is not null)) then 1
    when k.due + interval '60 s' > m.now then null
    when k.state = 1 then 2
    when k.fingerprint is not null then 3
  end as stuck,
  k.due as stuck_since
from (
  select *
  from holdfast.record k
  where k.end_time is null
    and (k.tenant, k.create_time, k.scope, k.key) > ($1::text, $2::timestamptz, $3::text, $4::text)
  order by k.tenant, k.create_time, k.scope, k.key
  limit $5::int
) k
cross join moment m
