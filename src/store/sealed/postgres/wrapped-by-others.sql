-- Keys of all tenants that another master key has wrapped, in the order of tenant and version.
--
-- $1 master_key text
-- $2 tenant text   $3 version integer: behind this key
-- $4 size integer
select k.tenant, k.version, k.wrapped, k.master_key
from holdfast.tenant_key k
where (k.tenant, k.version) > ($2::text, $3::integer)
  and k.master_key <> $1::text
order by k.tenant, k.version
limit $4::integer
