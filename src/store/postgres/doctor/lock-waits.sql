-- Who has waited longest for a lock in this database, and for whom; no row when nobody waits.
select
  l.pid,
  coalesce(l.relation::regclass::text, l.locktype) as what,
  extract(epoch from clock_timestamp() - l.waitstart)::double precision as seconds,
  (pg_blocking_pids(l.pid))[1] as blocker,
  count(*) over ()::int as waiting
from pg_locks l
left join pg_stat_activity a on a.pid = l.pid
where not l.granted
  and l.waitstart is not null
  and coalesce(l.database = (select d.oid from pg_database d where d.datname = current_database()), true)
  and coalesce(a.datname, current_database()) = current_database()
order by l.waitstart
limit 1
