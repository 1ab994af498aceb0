-- Heartbeat: extends leases whose token and fence are the record's, live or lapsed. Returns what it extended.
--
-- $1 tenant text[]          $2 scope text[]                $3 key text[]
-- $4 token bytea[]          $5 fence bigint[]              $6 lease_ms bigint[]
-- $7 checkpoint bytea[]     $8 checkpoint_sequence bigint[]
-- $9 progress bytea[]      $10 external_ref text[]
-- $11 lazy boolean: need not be durable, since no call of the batch carries a checkpoint or an external_ref
-- $12 as_of timestamptz: null for the database's clock
--
-- The arrays are sorted by the bytes of the key and name each key once: locks are taken in that order. The time is read
-- after the lock. A lease is never shortened, and never reaches past the longest execution.
with setting as materialized (
  select set_config(
    'synchronous_commit',
    case when $11::boolean then 'off' else current_setting('synchronous_commit') end,
    true
  )
), call as materialized (
  select *
  from unnest(
    $1::text[], $2::text[], $3::text[], $4::bytea[], $5::bigint[], $6::bigint[], $7::bytea[], $8::bigint[],
    $9::bytea[], $10::text[]
  ) with ordinality as c (
    tenant, scope, key, token, fence, lease_ms, checkpoint, sequence, progress, external_ref, i
  )
), held as materialized (
  select c.*, coalesce($12::timestamptz, clock_timestamp()) as held_at
  from setting
  cross join call c
  cross join lateral (
    select 1
    from holdfast.record k
    where k.tenant = c.tenant
      and k.scope = c.scope
      and k.key = c.key
      and k.fence = c.fence
      and k.lease_token = c.token
      and k.state = 1
    limit 1
    for no key update
  ) k
)
update holdfast.record k set
  due = greatest(
    k.due,
    least(
      h.held_at + h.lease_ms * interval '1 ms',
      k.attempt_start_time + k.max_execution_ms * interval '1 ms'
    )
  ),
  checkpoint = case when h.sequence > k.checkpoint_sequence then h.checkpoint else k.checkpoint end,
  checkpoint_sequence = greatest(k.checkpoint_sequence, h.sequence),
  checkpoint_time = case when h.sequence > k.checkpoint_sequence then h.held_at else k.checkpoint_time end,
  progress = coalesce(h.progress, k.progress),
  external_ref = coalesce(h.external_ref, k.external_ref)
from held h
where k.tenant = h.tenant
  and k.scope = h.scope
  and k.key = h.key
returning record_send(row(h.i, k.tenant, k.scope, k.key, k.due, k.has_waiters, h.held_at)) as call
