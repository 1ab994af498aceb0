-- The tenant under a host and a path: that of the longest prefix. No row when there is none.
--
-- $1 host text: normalised
-- $2 prefixes text[]: all prefixes of the path that end on a boundary, the empty one included
select h.tenant as id
from holdfast.tenant_host h
where h.host = $1::text
  and h.path = any($2::text[])
order by octet_length(h.path) desc
limit 1
