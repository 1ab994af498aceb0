-- API keys of all tenants and of none, by id.
--
-- $1 after_id text: those of a greater id
-- $2 row_limit bigint
select k.id, k.tenant, k.roles, k.display_name, k.create_time, k.expire_time, k.revoke_time
from holdfast.api_key k
where k.id > $1::text
order by k.id
limit $2::bigint
