-- The database's clock, in milliseconds since the Unix epoch.
select (extract(epoch from clock_timestamp()) * 1000)::double precision as now_ms
