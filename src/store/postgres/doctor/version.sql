-- What the database is, for people.
select
  current_setting('server_version') as version,
  quote_ident(current_user) as role,
  pg_has_role(current_user, 'pg_read_all_stats', 'usage') as sees_all
