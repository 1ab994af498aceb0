-- How far the transaction numbers of this database have run ahead of its oldest row.
select
  age(d.datfrozenxid) as transactions,
  mxid_age(d.datminmxid) as multixacts
from pg_database d
where d.datname = current_database()
