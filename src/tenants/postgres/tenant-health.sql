-- The health of one generation of a tenant. No row when it is gone.
--
-- $1 id text
-- $2 generation bigint
select t.health, t.health_reason, t.health_since
from holdfast.tenant t
where t.id = $1::text
  and t.generation = $2::bigint
