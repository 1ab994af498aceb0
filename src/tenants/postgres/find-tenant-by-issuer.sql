-- The tenant of an issuer and subject: a row that names the subject comes before one for all subjects. No row when there
-- is none.
--
-- $1 issuer text
-- $2 subject text
select i.tenant as id
from holdfast.tenant_issuer i
where i.issuer = $1::text
  and i.subject = any(array[$2::text, ''])
order by octet_length(i.subject) desc
limit 1
