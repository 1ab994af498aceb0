-- The id, null if it is not registered, and the number of the last change of names.
--
-- $1 id text
select
  (
    select t.id
    from holdfast.tenant t
    where t.id = $1::text
  ) as id,
  a.names,
  'one' as subjects
from holdfast.audit_head a
where a.only_row
