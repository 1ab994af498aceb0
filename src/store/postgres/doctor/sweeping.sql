-- How much the sweeper has before it, and how long the first of it has been waiting.
--
-- $1 limit int: counts no further
select
  count(*)::int as due,
  coalesce(extract(epoch from clock_timestamp() - min(w.sweep_at)), 0)::double precision as seconds
from (
  select r.sweep_at
  from holdfast.record r
  where r.end_time is not null
    and r.sweep_at <= now()
  order by r.sweep_at
  limit $1::int
) w
