-- Which databases main knows by which names.
select p.name, p.identity::text as identity
from holdfast.placement p
order by p.name
