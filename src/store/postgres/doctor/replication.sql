-- Who follows this database. sync_state is null where this role may not see it.
select
  current_setting('synchronous_standby_names') as synchronous_names,
  current_setting('synchronous_commit') as synchronous_commit,
  count(r.pid)::int as standbys,
  count(*) filter (where r.sync_state in ('sync', 'quorum'))::int as synchronous,
  count(*) filter (where r.pid is not null and r.sync_state is null)::int as unseen,
  coalesce(max(extract(epoch from r.replay_lag)), 0)::double precision as lag_seconds
from (select 1) as always
left join pg_stat_replication r on true
