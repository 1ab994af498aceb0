-- Whether the last attempt to archive write-ahead log failed.
select
  current_setting('archive_mode') <> 'off' as archiving,
  a.last_failed_time is not null and a.last_failed_time > coalesce(a.last_archived_time, '-infinity') as failing,
  extract(epoch from clock_timestamp() - a.last_archived_time)::double precision as archived_seconds
from pg_stat_archiver a
