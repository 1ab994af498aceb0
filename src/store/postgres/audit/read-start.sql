-- The line to begin at when only the newest are to be checked; no row when the log has no more than those.
--
-- $1 lines bigint: so many come after it
select a.sequence, a.hash
from holdfast.audit a
order by a.sequence desc
offset $1::bigint
limit 1
