-- The database's clock.
--
-- $1 as_of timestamptz: null for the database's clock
select coalesce($1::timestamptz, clock_timestamp()) as now
