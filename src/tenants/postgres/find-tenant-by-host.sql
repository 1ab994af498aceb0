-- The tenant under a host and a path, that of the longest prefix, or null; and the number of the last change of names.
--
-- $1 host text: normalised
-- $2 prefixes text[]: all prefixes of the path that end on a boundary, the empty one included
select
  (
    select h.tenant
    from holdfast.tenant_host h
    where h.host = $1::text
      and h.path = any($2::text[])
    order by octet_length(h.path) desc
    limit 1
  ) as id,
  a.names,
  'one' as subjects
from holdfast.audit_head a
where a.only_row
