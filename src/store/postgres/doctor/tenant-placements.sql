-- Where tenants are placed, and how many.
select t.placement as name, count(*)::int as tenants
from holdfast.tenant t
group by t.placement
order by t.placement
