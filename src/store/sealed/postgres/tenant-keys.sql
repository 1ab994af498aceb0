-- The keys of a tenant, lowest version first.
--
-- $1 tenant text
select k.tenant, k.version, k.wrapped, k.master_key
from holdfast.tenant_key k
where k.tenant = $1::text
order by k.version
