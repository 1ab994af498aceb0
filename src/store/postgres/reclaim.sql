-- Reclaim: takes records that are there, where the order of checks allows it: takeovers, retries, reattached claims, and
-- first claims of what was forgotten or reset. Reports them all, as read and as won.
--
--  $1 tenant text[]                 $2 scope text[]                  $3 key text[]
--  $4 claim_id text[]               $5 token bytea[]                 $6 fingerprint bytea[]
--  $7 fingerprint_algorithm text[]  $8 lease_ms bigint[]             $9 reuse smallint[] (1 replay-all, 2 retry-failed, 3 reject)
-- $10 external_ref text[]          $11 evidence bytea[]             $12 may_acquire smallint[] (0 nothing, 1 existing, 2 anything)
-- $13 hold boolean[]               $14 max_attempts int[]           $15 max_execution_ms bigint[]
-- $16 result_retention_ms bigint[] $17 tombstone_retention_ms bigint[]
-- $18 not_after timestamptz: a statement that runs late takes nothing
-- $19 as_of timestamptz: null for the database's clock
--
-- The arrays are sorted by the bytes of the key and name each key once: locks are taken in that order.
--
-- One instant, seen_at, decides about every row of the statement. A record is taken only if it still is as it was read
-- (fence, state, due, checkpoint) once its row is locked, so a decision can lose against what happened meanwhile, and
-- never override it. A call that was to acquire and is not among the won goes back to claim.sql, which reads anew.
--
-- Each probe of a single row is a lateral `limit 1`, which leaves the planner one plan: the primary key.
with moment as materialized (
  select
    coalesce($19::timestamptz, clock_timestamp()) as seen_at,
    (select f.fence from holdfast.fence_floor f) as fence_floor
), call as materialized (
  select *
  from unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::text[], $8::bigint[], $9::smallint[],
    $10::text[], $11::bytea[], $12::smallint[], $13::boolean[], $14::int[], $15::bigint[], $16::bigint[], $17::bigint[]
  ) with ordinality as c (
    tenant, scope, key, call_claim_id, call_token, call_fingerprint, call_algorithm, call_lease_ms, call_reuse,
    call_external_ref, call_evidence, may_acquire, call_hold, call_max_attempts, call_max_execution_ms,
    call_result_retention_ms, call_tombstone_retention_ms, i
  )
), seen as materialized (
  select
    c.*,
    m.*,
    r.*,
    r.forget_at <= m.seen_at or r.fingerprint is null as first_claim,
    case
      when r.state is null then false
      when r.forget_at <= m.seen_at then c.may_acquire = 2
      when r.fingerprint <> c.call_fingerprint then false
      when r.claim_id = c.call_claim_id then r.state = 1 and r.suspect_token is null
      when c.call_reuse = 3 or c.may_acquire = 0 then false
      when r.state in (3, 5) or (r.state = 4 and (r.due <= m.seen_at or c.call_reuse <> 2)) then false
      when r.state = 1 and (r.hold or r.suspect_token is not null) then false
      when r.state in (1, 2) and r.due > m.seen_at then false
      else r.max_attempts = 0 or r.attempt < r.max_attempts
    end as acquires
  from moment m
  cross join call c
  left join lateral (
    select
      k.state, k.due, k.forget_at, k.attempt, k.fence, k.claim_id, k.suspect_token, k.fingerprint, k.hold, k.max_attempts,
      k.checkpoint_sequence
    from holdfast.record k
    where k.tenant = c.tenant
      and k.scope = c.scope
      and k.key = c.key
    limit 1
  ) r on true
), held as materialized (
  select s.*, not s.first_claim and s.claim_id = s.call_claim_id as reattaches
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
      and (k.state <> 4 or s.first_claim or k.due > coalesce($19::timestamptz, clock_timestamp()))
    limit 1
    for no key update
  ) k
  where s.acquires
    and coalesce($19::timestamptz, clock_timestamp()) < $18::timestamptz
), won as (
  update holdfast.record k set
    state = 1,
    -- A reattach always moves the lease's end, so that the guard of a give-back misses.
    due = case
      when h.reattaches then greatest(
        k.due + interval '1 microsecond',
        least(
          h.seen_at + h.call_lease_ms * interval '1 ms',
          k.attempt_start_time + k.max_execution_ms * interval '1 ms'
        )
      )
      else h.seen_at + interval '1 ms' * least(
        h.call_lease_ms,
        case when h.first_claim then h.call_max_execution_ms else k.max_execution_ms end
      )
    end,
    forget_at = 'infinity',
    sweep_at = 'infinity',
    has_waiters = k.has_waiters and k.forget_at > h.seen_at,
    attempt = case when h.first_claim then 1 when h.reattaches then k.attempt else k.attempt + 1 end,
    fence = case
      when h.reattaches then k.fence
      else greatest(k.fence + 1, h.fence_floor + 1, (extract(epoch from h.seen_at) * 1000000)::bigint)
    end,
    lease_token = case when h.reattaches then k.lease_token else h.call_token end,
    claim_id = h.call_claim_id,
    suspect_token = null,
    suspect_fence = null,
    attempt_start_time = case when h.reattaches then k.attempt_start_time else h.seen_at end,
    end_time = null,
    reason = null,
    end_digest = null,
    evidence = case when h.reattaches then k.evidence else h.call_evidence end,
    external_ref = case when h.reattaches then k.external_ref else h.call_external_ref end,
    progress = case when h.reattaches then k.progress end,
    -- Forgotten or reset: everything that a first claim fixes is fixed anew. What is left alone here outlives a purge.
    fingerprint = case when h.first_claim then h.call_fingerprint else k.fingerprint end,
    fingerprint_algorithm = case when h.first_claim then h.call_algorithm else k.fingerprint_algorithm end,
    hold = case when h.first_claim then h.call_hold else k.hold end,
    max_attempts = case when h.first_claim then h.call_max_attempts else k.max_attempts end,
    max_execution_ms = case when h.first_claim then h.call_max_execution_ms else k.max_execution_ms end,
    result_retention_ms = case when h.first_claim then h.call_result_retention_ms else k.result_retention_ms end,
    tombstone_retention_ms =
      case when h.first_claim then h.call_tombstone_retention_ms else k.tombstone_retention_ms end,
    create_time = case when h.first_claim then h.seen_at else k.create_time end,
    outcome = case when h.first_claim then null else k.outcome end,
    checkpoint = case when h.first_claim then null else k.checkpoint end,
    checkpoint_sequence = case when h.first_claim then 0 else k.checkpoint_sequence end,
    checkpoint_time = case when h.first_claim then null else k.checkpoint_time end
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
