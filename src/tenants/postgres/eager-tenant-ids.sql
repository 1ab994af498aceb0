-- One page of the ids of the tenants that are built when a server starts.
--
-- $1 after text: those of a greater id
-- $2 limit int
select t.id
from holdfast.tenant t
where t.eager
  and t.id > $1::text
order by t.id
limit $2::int
