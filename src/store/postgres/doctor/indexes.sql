-- The indexes of holdfast.record.
select x.indexrelid::regclass::text as name, x.indisvalid as valid
from pg_index x
where x.indrelid = 'holdfast.record'::regclass
order by 1
