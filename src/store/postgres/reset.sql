-- ResetRecord: the next claim is a first claim, and the fence goes on. Leaves forgotten records alone, and held ones
-- unless forced. Returns what it reset.
--
-- $1 tenant text[]   $2 scope text[]   $3 key text[]
-- $4 token bytea[]: fresh, given to nobody
-- $5 force boolean[]: also while a lease is live
-- $6 as_of timestamptz: null for the database's clock
--
-- The arrays are sorted by the bytes of the key and name each key once: locks are taken in that order.
with call as materialized (
  select *
  from unnest(
    $1::text[], $2::text[], $3::text[], $4::bytea[], $5::boolean[]
  ) with ordinality as c (tenant, scope, key, token, force, i)
), held as materialized (
  select c.*, coalesce($6::timestamptz, clock_timestamp()) as held_at
  from call c
  cross join lateral (
    select 1
    from holdfast.record k
    where k.tenant = c.tenant
      and k.scope = c.scope
      and k.key = c.key
      and k.forget_at > coalesce($6::timestamptz, clock_timestamp())
      and (c.force or k.state <> 1 or k.due <= coalesce($6::timestamptz, clock_timestamp()))
    limit 1
    for no key update
  ) k
)
update holdfast.record k set
  state = 2,
  due = h.held_at,
  forget_at = 'infinity',
  sweep_at = 'infinity',
  attempt = 0,
  fence = greatest(k.fence + 1, (extract(epoch from h.held_at) * 1000000)::bigint),
  lease_token = h.token,
  suspect_token = null,
  suspect_fence = null,
  fingerprint = null,
  end_time = null,
  reason = null,
  end_digest = null,
  outcome = null,
  checkpoint = null,
  checkpoint_sequence = 0,
  checkpoint_time = null,
  external_ref = null,
  progress = null
from held h
where k.tenant = h.tenant
  and k.scope = h.scope
  and k.key = h.key
returning h.i, k.tenant, k.scope, k.key
