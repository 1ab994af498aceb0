-- Peek: reads records, forgotten ones too, and touches nothing. One row per call; record is null where there is none.
--
-- $1 tenant text[]   $2 scope text[]   $3 key text[]
-- $4 as_of timestamptz: null for the database's clock
with moment as materialized (
  select coalesce($4::timestamptz, clock_timestamp()) as seen_at
), call as materialized (
  select *
  from unnest($1::text[], $2::text[], $3::text[]) with ordinality as c (tenant, scope, key, i)
)
select record_send(row(c.i, c.tenant, c.scope, c.key, m.seen_at)) as call, r.record
from moment m
cross join call c
left join lateral (
  select
    record_send(row(
      k.state, k.due, k.forget_at, k.has_waiters, k.attempt, k.fence, k.lease_token, k.claim_id, k.suspect_token,
      k.suspect_fence, k.fingerprint, k.fingerprint_algorithm, k.hold, k.max_attempts, k.max_execution_ms,
      k.result_retention_ms, k.tombstone_retention_ms, k.create_time, k.attempt_start_time, k.end_time, k.reason,
      k.end_digest, k.outcome, k.checkpoint, k.checkpoint_sequence, k.checkpoint_time, k.evidence, k.external_ref,
      k.progress
    )) as record
  from holdfast.record k
  where k.tenant = c.tenant
    and k.scope = c.scope
    and k.key = c.key
  limit 1
) r on true
