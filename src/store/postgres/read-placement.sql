-- On main: the database of this name, and the name of this database; at most two rows.
--
-- $1 name text
-- $2 identity uuid
select p.name, p.identity = $2::uuid as is_same
from holdfast.placement p
where p.name = $1::text
   or p.identity = $2::uuid
