-- An API key that may administer every tenant and is good now: no row when there is none.
--
-- Whoever asks before making one holds the row of audit_head. Ordered as the index of tenants is, to be read by it.
select k.id
from holdfast.api_key k
where k.tenant is null
  and 'admin' = any (k.roles)
  and k.revoke_time is null
  and (k.expire_time is null or k.expire_time > clock_timestamp())
order by k.tenant, k.id
limit 1
