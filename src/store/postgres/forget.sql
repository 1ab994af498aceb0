-- Sweeper: deletes records past their tombstone and raises the floor under the fences in the same transaction. Rows that
-- somebody else holds are left for the next pass.
--
-- $1 limit int
-- $2 as_of timestamptz: null for the database's clock
-- $3 up_to timestamptz: whatever the clock shows, nothing that was not due by then; null for no such bound
--
-- The instant comes from a subquery, because a volatile function is no condition for an index.
with moment as materialized (
  -- Of nulls, least takes no notice.
  select least(coalesce($2::timestamptz, clock_timestamp()), $3::timestamptz) as now
), over as materialized (
  select k.tenant, k.scope, k.key, k.fence
  from holdfast.record k
  where k.end_time is not null
    and k.sweep_at <= (select m.now from moment m)
    and k.forget_at <= (select m.now from moment m)
  order by k.sweep_at
  limit $1::int
  for update skip locked
), gone as (
  delete from holdfast.record k
  using over o
  where k.tenant = o.tenant
    and k.scope = o.scope
    and k.key = o.key
  returning k.fence
), floor as (
  update holdfast.fence_floor f set
    fence = greatest(f.fence, g.fence)
  from (select max(fence) as fence from gone) g
  where g.fence is not null
)
select count(*) as rows from gone
