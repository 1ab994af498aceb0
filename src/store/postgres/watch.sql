-- Watch: flags open records as waited for, if they still are as they were read. Returns those that it flagged; an ended,
-- absent, changed or flagged one is left alone.
--
-- $1 tenant text[]   $2 scope text[]   $3 key text[]
-- $4 state smallint[]   $5 fence bigint[]: as they were read
--
-- Need not be durable: a crash drops every connection, and the waiters' servers flag again. The arrays are sorted by the
-- bytes of the key and name each key once: locks are taken in that order.
with setting as materialized (
  select set_config('synchronous_commit', 'off', true)
), call as materialized (
  select *
  from unnest(
    $1::text[], $2::text[], $3::text[], $4::smallint[], $5::bigint[]
  ) with ordinality as c (tenant, scope, key, state, fence, i)
), held as materialized (
  select c.*
  from setting
  cross join call c
  cross join lateral (
    select 1
    from holdfast.record k
    where k.tenant = c.tenant
      and k.scope = c.scope
      and k.key = c.key
      and k.state in (1, 2, 5)
      and k.state = c.state
      and k.fence = c.fence
      and not k.has_waiters
    limit 1
    for no key update
  ) k
)
update holdfast.record k set
  has_waiters = true
from held h
where k.tenant = h.tenant
  and k.scope = h.scope
  and k.key = h.key
returning h.i, k.tenant, k.scope, k.key
