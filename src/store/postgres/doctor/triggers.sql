-- The triggers of this schema that are there, and whether they fire when a server writes.
select t.tgname::text as name, t.tgenabled in ('O', 'A') as enabled
from pg_trigger t
join pg_class c on c.oid = t.tgrelid
where c.relnamespace = 'holdfast'::regnamespace
  and not t.tgisinternal
