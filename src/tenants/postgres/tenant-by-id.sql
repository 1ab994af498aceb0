-- Tenant by id: no row when there is none.
--
-- $1 id text
select t.id, t.display_name
from holdfast.tenant t
where t.id = $1::text
