-- The oldest transaction of others in this database; no row without any. Of other roles' sessions nothing is seen unless
-- this role may.
select
  a.pid,
  coalesce(nullif(a.application_name, ''), a.usename, '?') as who,
  a.state,
  extract(epoch from clock_timestamp() - a.xact_start)::double precision as seconds
from pg_stat_activity a
where a.datname = current_database()
  and a.pid <> pg_backend_pid()
  and a.backend_type = 'client backend'
  and a.xact_start is not null
order by a.xact_start
limit 1
