-- Which server process answers, and with which settings; sent before a statement, in the same transaction.
--
-- $1 names of settings text[]
select concat_ws(' ', extract(epoch from pg_postmaster_start_time()), pg_is_in_recovery(), timeline.id) as server,
       (select string_agg(current_setting(s.name), '; ' order by s.place)
          from unnest($1::text[]) with ordinality as s (name, place)) as settings
from (select case when not pg_is_in_recovery() then left(pg_walfile_name(pg_current_wal_lsn()), 8) end) as timeline (id)
