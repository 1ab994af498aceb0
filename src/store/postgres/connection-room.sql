-- How many connections this role may have to this database at the same time; null where nothing says so. Neither limit
-- holds for superusers, and what is reserved is reserved for them.
--
-- no parameters
select
  current_setting('max_connections')::int as max_connections,
  current_setting('max_connections')::int
    - case when r.rolsuper then 0
      else current_setting('superuser_reserved_connections')::int
        + coalesce(current_setting('reserved_connections', true)::int, 0)
      end as of_server,
  case when r.rolconnlimit >= 0 and not r.rolsuper then r.rolconnlimit end as of_role,
  case when d.datconnlimit >= 0 and not r.rolsuper then d.datconnlimit end as of_database,
  quote_ident(r.rolname) as role,
  quote_ident(d.datname) as database
from pg_roles r
  join pg_database d on d.datname = current_database()
where r.rolname = current_user
