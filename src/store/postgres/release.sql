-- ForceRelease: takes leases away; only of records in progress. A reconciler's lease goes back to outcome-unknown
-- whatever the policy, and the suspect stays the suspect. Returns what it released.
--
-- $1 tenant text[]   $2 scope text[]   $3 key text[]
-- $4 token bytea[]: fresh, given to nobody
-- $5 as_of timestamptz: null for the database's clock
--
-- The arrays are sorted by the bytes of the key and name each key once: locks are taken in that order.
with call as materialized (
  select *
  from unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) with ordinality as c (tenant, scope, key, token, i)
), held as materialized (
  select c.*, k.unknown, coalesce($5::timestamptz, clock_timestamp()) as held_at
  from call c
  cross join lateral (
    select k.hold or k.suspect_token is not null as unknown
    from holdfast.record k
    where k.tenant = c.tenant
      and k.scope = c.scope
      and k.key = c.key
      and k.state = 1
    limit 1
    for no key update
  ) k
)
update holdfast.record k set
  state = case when h.unknown then 5 else 2 end,
  due = h.held_at,
  fence = greatest(k.fence + 1, (extract(epoch from h.held_at) * 1000000)::bigint),
  lease_token = h.token,
  suspect_token = case when h.unknown then coalesce(k.suspect_token, k.lease_token) end,
  suspect_fence = case when h.unknown then coalesce(k.suspect_fence, k.fence) end,
  reason = case when h.unknown then coalesce(k.reason, 1) end,
  end_digest = null
from held h
where k.tenant = h.tenant
  and k.scope = h.scope
  and k.key = h.key
returning h.i, k.tenant, k.scope, k.key, k.state
