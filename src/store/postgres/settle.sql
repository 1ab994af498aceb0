-- Settle: fails records for good whose attempts are used up and whose lease or delay is over. Returns them as they are
-- then. A record that was revived meanwhile (a late heartbeat changes neither fence nor state) is left alone.
--
-- $1 tenant text[]   $2 scope text[]   $3 key text[]   $4 fence bigint[]
-- $5 as_of timestamptz: null for the database's clock
--
-- The arrays are sorted by the bytes of the key and name each key once: locks are taken in that order.
with call as materialized (
  select *
  from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) with ordinality as c (tenant, scope, key, fence, i)
), held as materialized (
  select c.*, coalesce($5::timestamptz, clock_timestamp()) as held_at
  from call c
  cross join lateral (
    select 1
    from holdfast.record k
    where k.tenant = c.tenant
      and k.scope = c.scope
      and k.key = c.key
      and k.fence = c.fence
      and (k.state = 2 or (k.state = 1 and not k.hold and k.suspect_token is null))
      and k.max_attempts > 0
      and k.attempt >= k.max_attempts
      and k.due <= coalesce($5::timestamptz, clock_timestamp())
    limit 1
    for no key update
  ) k
)
update holdfast.record k set
  state = 4,
  reason = 4,
  end_time = h.held_at,
  end_digest = null,
  due = h.held_at + k.result_retention_ms * interval '1 ms',
  sweep_at = h.held_at + k.result_retention_ms * interval '1 ms',
  forget_at = h.held_at + (k.result_retention_ms + k.tombstone_retention_ms) * interval '1 ms'
from held h
where k.tenant = h.tenant
  and k.scope = h.scope
  and k.key = h.key
returning
  h.i, k.tenant, k.scope, k.key, h.held_at as seen_at,
  k.state, k.due, k.forget_at, k.has_waiters, k.attempt, k.fence, k.lease_token, k.claim_id, k.suspect_token,
  k.suspect_fence, k.fingerprint, k.fingerprint_algorithm, k.hold, k.max_attempts, k.max_execution_ms,
  k.result_retention_ms, k.tombstone_retention_ms, k.create_time, k.attempt_start_time, k.end_time, k.reason,
  k.end_digest, k.outcome, k.checkpoint, k.checkpoint_sequence, k.checkpoint_time, k.evidence, k.external_ref, k.progress
