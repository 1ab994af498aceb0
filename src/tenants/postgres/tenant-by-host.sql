-- Tenant by host: no row when there is none.
--
-- $1 host text: normalised
select t.id, t.display_name
from holdfast.tenant_host h
join holdfast.tenant t on t.id = h.tenant
where h.host = $1::text
