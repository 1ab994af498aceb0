-- Claim to reconcile: takes unknown outcomes, stored or by lapse, and nothing else; never inserts.
-- What the suspect left behind (owner, external_ref, checkpoint, reported error) stays.
--
-- $1 tenant text[]        $2 scope text[]     $3 key text[]
-- $4 claim_id text[]      $5 token bytea[]    $6 fingerprint bytea[] (empty: not compared)
-- $7 lease_ms bigint[]    $8 may_acquire boolean[] (false also for reuse reject)
-- $9 evidence bytea[]: the reconciler's, for the record's history
-- $10 not_after timestamptz: a statement that runs late takes nothing
-- $11 as_of timestamptz: null for the database's clock
--
-- Sorted, decided, compared and reported as in claim.sql.
with moment as materialized (
  select
    coalesce($11::timestamptz, clock_timestamp()) as seen_at,
    (select f.fence from holdfast.fence_floor f) as fence_floor
), call as materialized (
  select *
  from unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::bigint[], $8::boolean[],
    $9::bytea[]
  ) with ordinality as c (
    tenant, scope, key, call_claim_id, call_token, call_fingerprint, call_lease_ms, may_acquire, call_evidence,
    i
  )
), seen as materialized (
  select
    c.*,
    m.*,
    r.*,
    case
      when r.state is null or r.state not in (1, 5) then false
      when c.call_fingerprint <> '' and r.fingerprint <> c.call_fingerprint then false
      when r.claim_id = c.call_claim_id then r.state = 1 and r.suspect_token is not null
      when not c.may_acquire then false
      else r.state = 5 or (r.due <= m.seen_at and (r.hold or r.suspect_token is not null))
    end as acquires
  from moment m
  cross join call c
  left join lateral (
    select
      k.state, k.due, k.fence, k.claim_id, k.suspect_token, k.fingerprint, k.hold, k.checkpoint_sequence
    from holdfast.record k
    where k.tenant = c.tenant
      and k.scope = c.scope
      and k.key = c.key
    limit 1
  ) r on true
), held as materialized (
  select s.*, s.claim_id = s.call_claim_id as reattaches
  from seen s
  cross join lateral (
    select 1
    from holdfast.record k
    where k.tenant = s.tenant
      and k.scope = s.scope
      and k.key = s.key
      and k.fence = s.fence
      and k.state = s.state
      and k.due = s.due
      and k.checkpoint_sequence = s.checkpoint_sequence
    limit 1
    for no key update
  ) k
  where s.acquires
    and coalesce($11::timestamptz, clock_timestamp()) < $10::timestamptz
), won as (
  update holdfast.record k set
    state = 1,
    due = case
      when h.reattaches then greatest(
        k.due + interval '1 microsecond',
        h.seen_at + h.call_lease_ms * interval '1 ms'
      )
      else h.seen_at + h.call_lease_ms * interval '1 ms'
    end,
    fence = case
      when h.reattaches then k.fence
      else greatest(k.fence + 1, (extract(epoch from h.seen_at) * 1000000)::bigint)
    end,
    lease_token = case when h.reattaches then k.lease_token else h.call_token end,
    claim_id = h.call_claim_id,
    suspect_token = coalesce(k.suspect_token, k.lease_token),
    suspect_fence = coalesce(k.suspect_fence, k.fence),
    attempt_start_time = case when h.reattaches then k.attempt_start_time else h.seen_at end,
    reason = coalesce(k.reason, 1),
    reconciler = case when h.reattaches then k.reconciler else h.call_evidence end
  from held h
  where k.tenant = h.tenant
    and k.scope = h.scope
    and k.key = h.key
  returning k.tenant, k.scope, k.key, k.due, k.fence, k.attempt, k.lease_token, k.has_waiters
)
-- A full join can only be hashed, see claim.sql. What was read is read again, by the same snapshot: carried along from
-- the first reading, large checkpoints would be copied from list to list.
select
  record_send(row(
    s.i, s.tenant, s.scope, s.key, s.seen_at, s.fence_floor, w.fence, w.due, w.attempt, w.lease_token, w.has_waiters
  )) as call,
  r.record
from seen s
full join won w
  on w.tenant = s.tenant
  and w.scope = s.scope
  and w.key = s.key
left join lateral (
  select record_send(row(
    k.state, k.due, k.forget_at, k.has_waiters, k.attempt, k.fence, k.lease_token, k.claim_id, k.suspect_token,
    k.suspect_fence, k.fingerprint, k.fingerprint_algorithm, k.hold, k.max_attempts, k.max_execution_ms,
    k.result_retention_ms, k.tombstone_retention_ms, k.create_time, k.attempt_start_time, k.end_time, k.reason,
    k.end_digest, k.outcome, k.checkpoint, k.checkpoint_sequence, k.checkpoint_time, k.evidence, k.external_ref,
    k.progress
  )) as record
  from holdfast.record k
  where s.state is not null
    and k.tenant = s.tenant
    and k.scope = s.scope
    and k.key = s.key
  limit 1
) r on true
