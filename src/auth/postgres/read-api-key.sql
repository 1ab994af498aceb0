-- API key by id: no row when there is none.
--
-- $1 id text
select k.id, k.tenant, k.roles, k.salt, k.hash, k.display_name, k.create_time, k.expire_time, k.revoke_time
from holdfast.api_key k
where k.id = $1::text
