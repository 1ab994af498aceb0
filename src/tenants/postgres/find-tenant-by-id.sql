-- The id, if it is registered.
--
-- $1 id text
select t.id
from holdfast.tenant t
where t.id = $1::text
