-- ListRecords: one page of the ended records of a tenant, by scope and key. Looks at one window of the primary key; touches
-- nothing.
--
-- $1 tenant text
-- $2 from_scope text   $3 from_key text: where the window begins
-- $4 last_scope text   $5 last_key text: where it ends at the latest
-- $6 key_prefix text   $7 states smallint[]: 3 completed, 4 failed, 6 expired; null: any
-- $8 older_than_ms, $9 newer_than_ms double precision: first claimed at least, and at most, so long ago; null: whenever
-- $10 outcomes boolean: read them too
-- $11 limit int        $12 outcome_bytes_max bigint: of one page; the first one always fits
-- $13 window int: how many records to look at, open ones too
-- $14 as_of timestamptz: null for the database's clock
--
-- Reports as list-open.sql. Forgotten ones are left out; expired ones are told from their results, which are not read.
with moment as materialized (
  select coalesce($14::timestamptz, clock_timestamp()) as seen_at
), looked as materialized (
  select
    k.scope, k.key,
    row_number() over (order by k.scope, k.key) as n,
    v.seen_state = 6 as expired,
    k.end_time is not null
      and k.forget_at > m.seen_at
      and ($6::text is null or starts_with(k.key, $6::text))
      and ($7::smallint[] is null or v.seen_state = any ($7::smallint[]))
      and ($8::double precision is null or k.create_time <= m.seen_at - $8::double precision * interval '1 ms')
      and ($9::double precision is null or k.create_time >= m.seen_at - $9::double precision * interval '1 ms') as matches,
    case when $10::boolean then octet_length(k.outcome) end as outcome_bytes
  from moment m
  cross join (
    select *
    from holdfast.record k
    where k.tenant = $1::text
      and (k.scope, k.key) >= ($2::text, $3::text)
      and (k.scope, k.key) <= ($4::text, $5::text)
    order by k.scope, k.key
    limit $13::int
  ) k
  cross join lateral (
    select case when k.due <= m.seen_at or (k.state = 3 and k.outcome is null) then 6 else k.state end as seen_state
  ) v
), matched as (
  select l.*, row_number() over w as place, sum(l.outcome_bytes) over w as outcome_bytes_up_to
  from looked l
  where l.matches
  window w as (order by l.n)
), page as materialized (
  select *
  from matched p
  where p.place <= $11::int
    and (p.place = 1 or coalesce(p.outcome_bytes_up_to, 0) <= $12::bigint)
), summary as materialized (
  select
    (select count(*) from looked) as looked,
    (select count(*) from matched) as matched,
    z.*
  from (select 1) as always
  left join (
    select l.scope as last_scope, l.key as last_key
    from looked l
    order by l.n desc
    limit 1
  ) z on true
)
select
  m.seen_at, s.*,
  p.place, p.expired, null::int as stuck, $1::text as tenant, p.scope, p.key,
  r.state, r.due, r.forget_at, r.has_waiters, r.attempt, r.fence, r.lease_token, r.claim_id, r.suspect_token,
  r.suspect_fence, r.fingerprint, r.fingerprint_algorithm, r.hold, r.max_attempts, r.max_execution_ms,
  r.result_retention_ms, r.tombstone_retention_ms, r.create_time, r.attempt_start_time, r.end_time, r.reason,
  r.end_digest, case when $10::boolean then r.outcome end as outcome, null::bytea as checkpoint, r.checkpoint_sequence,
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
