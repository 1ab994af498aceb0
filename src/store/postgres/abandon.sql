-- Sweeper: deletes records that became claimable one result retention ago and were never claimed again, and raises the
-- floor under the fences in the same transaction. HOLD, suspects, used-up and live ones stay: somebody must still hear
-- of them. Rows that somebody else holds are left for the next pass.
--
-- $1 tenant text[]   $2 scope text[]   $3 key text[]   $4 fence bigint[]: as lapsed.sql read them, sorted
-- $5 as_of timestamptz: null for the database's clock
-- $6 up_to timestamptz: whatever the clock shows, nothing that was not due by then; null for no such bound
with call as materialized (
  select *
  from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) with ordinality as c (tenant, scope, key, fence, i)
), held as materialized (
  select c.*
  from call c
  cross join lateral (
    select 1
    from holdfast.record k
    where k.tenant = c.tenant
      and k.scope = c.scope
      and k.key = c.key
      and k.fence = c.fence
      and k.suspect_token is null
      and (k.state = 2 or (k.state = 1 and not k.hold))
      and (k.max_attempts = 0 or k.attempt < k.max_attempts)
      and k.due + k.result_retention_ms * interval '1 ms' <= least(coalesce($5::timestamptz, clock_timestamp()), $6::timestamptz)
    limit 1
    for update skip locked
  ) k
), gone as (
  delete from holdfast.record k
  using held h
  where k.tenant = h.tenant
    and k.scope = h.scope
    and k.key = h.key
  returning k.fence
), floor as (
  update holdfast.fence_floor f set
    fence = greatest(f.fence, g.fence)
  from (select max(fence) as fence from gone) g
  where g.fence is not null
)
select count(*) as rows from gone
