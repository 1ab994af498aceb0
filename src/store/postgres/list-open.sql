-- ListRecords: one page of the open records of a tenant, either of those that are stuck or of the others, in the order of
-- their first claims. Looks at one window of the index over open records; touches nothing.
--
-- $1 tenant text
-- $2 stuck boolean: which of the two
-- $3 after_create_time timestamptz   $4 after_scope text   $5 after_key text: the last one looked at before
-- $6 scope text      $7 key_prefix text   $8 states smallint[]: as callers see them; null: any
-- $9 older_than_ms, $10 newer_than_ms double precision: first claimed at least, and at most, so long ago; null: whenever
-- $11 outcomes boolean: read them too
-- $12 limit int      $13 outcome_bytes_max bigint: of one page; the first one always fits
-- $14 window int: how many records to look at
-- $15 as_of timestamptz: null for the database's clock
--
-- At least one row, and each with the same summary: how many were looked at, how many of these matched, which was the
-- last one looked at; place is null when none matched. Checkpoints are not read. stuck says why: 1 outcome-unknown,
-- 2 lease-expired, 3 overdue.
with moment as materialized (
  select coalesce($15::timestamptz, clock_timestamp()) as seen_at
), looked as materialized (
  select
    k.create_time, k.scope, k.key,
    row_number() over (order by k.create_time, k.scope, k.key) as n,
    v.stuck,
    (v.stuck is not null) = $2::boolean
      and ($6::text is null or k.scope = $6::text)
      and ($7::text is null or starts_with(k.key, $7::text))
      and ($8::smallint[] is null or v.seen_state = any ($8::smallint[])) as matches,
    case when $11::boolean then octet_length(k.outcome) end as outcome_bytes
  from moment m
  cross join (
    select *
    from holdfast.record k
    where k.tenant = $1::text
      and k.end_time is null
      and (k.create_time, k.scope, k.key) > ($3::timestamptz, $4::text, $5::text)
      and k.create_time <= (select coalesce(m.seen_at - $9::double precision * interval '1 ms', 'infinity') from moment m)
      and k.create_time >= (select coalesce(m.seen_at - $10::double precision * interval '1 ms', '-infinity') from moment m)
    order by k.create_time, k.scope, k.key
    limit $14::int
  ) k
  cross join lateral (
    select
      case when k.state = 1 and k.due <= m.seen_at and (k.hold or k.suspect_token is not null) then 5 else k.state end
        as seen_state,
      -- STUCK_GRACE_MS after the lease or the delay was over; an unbound one waits for its first claim.
      case
        when k.state = 5 or (k.state = 1 and k.due <= m.seen_at and (k.hold or k.suspect_token is not null)) then 1
        when k.due + interval '60 s' > m.seen_at then null
        when k.state = 1 then 2
        when k.fingerprint is not null then 3
      end as stuck
  ) v
), matched as (
  select l.*, row_number() over w as place, sum(l.outcome_bytes) over w as outcome_bytes_up_to
  from looked l
  where l.matches
  window w as (order by l.n)
), page as materialized (
  select *
  from matched p
  where p.place <= $12::int
    and (p.place = 1 or coalesce(p.outcome_bytes_up_to, 0) <= $13::bigint)
), summary as materialized (
  select
    (select count(*) from looked) as looked,
    (select count(*) from matched) as matched,
    z.*
  from (select 1) as always
  left join (
    select l.create_time as last_create_time, l.scope as last_scope, l.key as last_key
    from looked l
    order by l.n desc
    limit 1
  ) z on true
)
select
  m.seen_at, s.*,
  p.place, false as expired, p.stuck, $1::text as tenant, p.scope, p.key,
  r.state, r.due, r.forget_at, r.has_waiters, r.attempt, r.fence, r.lease_token, r.claim_id, r.suspect_token,
  r.suspect_fence, r.fingerprint, r.fingerprint_algorithm, r.hold, r.max_attempts, r.max_execution_ms,
  r.result_retention_ms, r.tombstone_retention_ms, r.create_time, r.attempt_start_time, r.end_time, r.reason,
  r.end_digest, case when $11::boolean then r.outcome end as outcome, null::bytea as checkpoint, r.checkpoint_sequence,
  r.checkpoint_time, r.evidence, r.external_ref, r.progress
from moment m
cross join summary s
left join page p on true
left join lateral (
  select *
  from holdfast.record k
  where k.tenant = $1::text
    and k.scope = p.scope
    and k.key = p.key
  limit 1
) r on true
order by p.place
