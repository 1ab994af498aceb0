-- API keys of one tenant, by id.
--
-- $1 tenant text
-- $2 after_id text: those of a greater id
-- $3 row_limit bigint
select k.id, k.tenant, k.roles, k.display_name, k.create_time, k.expire_time, k.revoke_time
from holdfast.api_key k
where k.tenant = $1::text
  and k.id > $2::text
order by k.id
limit $3::bigint
