-- Usage of one tenant: counts a page of its records, in the order of their keys; no row when there are none left.
--
-- $1 tenant text
-- $2 scope text, $3 key text: of the last record of the page before; empty to begin with
-- $4 limit int
-- $5 as_of timestamptz: null for the database's clock
with page as materialized (
  select
    m.seen_at, r.scope, r.key,
    r.forget_at > m.seen_at as is_live,
    coalesce(octet_length(r.outcome), 0) + coalesce(octet_length(r.checkpoint), 0) as bytes,
    r.state = 1 and r.due > m.seen_at as is_leased
  from (select coalesce($5::timestamptz, clock_timestamp()) as seen_at) m
  cross join lateral (
    select k.scope, k.key, k.forget_at, k.outcome, k.checkpoint, k.state, k.due
    from holdfast.record k
    where k.tenant = $1::text
      and (k.scope, k.key) > ($2::text, $3::text)
    order by k.scope, k.key
    limit $4::int
  ) r
)
select
  min(seen_at) as seen_at,
  count(*) filter (where is_live) as live_records,
  coalesce(sum(bytes) filter (where is_live), 0)::bigint as stored_bytes,
  count(*) filter (where is_leased) as leases,
  (select p.scope from page p order by p.scope desc, p.key desc limit 1) as last_scope,
  (select p.key from page p order by p.scope desc, p.key desc limit 1) as last_key,
  count(*) as records
from page
having count(*) > 0
