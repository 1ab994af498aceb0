-- The tenant of an issuer and subject, or null: a row that names the subject comes before one for all subjects. And the
-- number of the last change of names. And of whom that is true: one, this subject, which a row names; unnamed, every one
-- that no row names, while there are rows that do; all, every subject there is.
--
-- $1 issuer text
-- $2 subject text
select
  (
    select i.tenant
    from holdfast.tenant_issuer i
    where i.issuer = $1::text
      and i.subject = any(array[$2::text, ''])
    order by octet_length(i.subject) desc
    limit 1
  ) as id,
  a.names,
  case
    when exists (
      select
      from holdfast.tenant_issuer i
      where i.issuer = $1::text
        and i.subject = $2::text
        and i.subject <> ''
    ) then 'one'
    when exists (
      select
      from holdfast.tenant_issuer i
      where i.issuer = $1::text
        and i.subject > ''
    ) then 'unnamed'
    else 'all'
  end as subjects
from holdfast.audit_head a
where a.only_row
