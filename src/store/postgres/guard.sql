-- Which server process answers, and with which settings; sent before a statement, in the same transaction.
--
-- A crash of one server process restarts all of them, but not the postmaster; what it counts begins anew then.
--
-- $1 names of settings text[]
-- $2 careless boolean: synchronous_commit may be off
--
-- Where another client of the pool has turned synchronous_commit off, the statement that follows is durable all the same:
-- whether it was done is told by another session then, which would not know.
with found as materialized (
  select current_setting('synchronous_commit') as synchronous_commit
)
select concat_ws(
         ' ',
         extract(epoch from pg_postmaster_start_time()),
         extract(epoch from pg_stat_get_bgwriter_stat_reset_time()),
         pg_is_in_recovery(),
         timeline.id
       ) as server,
       (select string_agg(current_setting(s.name), '; ' order by s.place)
          from unnest($1::text[]) with ordinality as s (name, place)) as settings,
       current_setting('default_transaction_isolation') as isolation,
       current_setting('default_transaction_read_only') as read_only,
       found.synchronous_commit,
       case
         when found.synchronous_commit = 'off' and not $2::boolean then set_config('synchronous_commit', 'on', true)
       end as raised_to
from found
cross join (select case when not pg_is_in_recovery() then left(pg_walfile_name(pg_current_wal_lsn()), 8) end) as timeline (id)
