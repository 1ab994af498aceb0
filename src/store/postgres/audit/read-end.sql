-- Where the audit log ends: its last line as it was noted when it was written, and the last one there is, 0 for none.
select
  h.line,
  h.hash,
  coalesce(
    (
      select a.sequence
      from holdfast.audit a
      order by a.sequence desc
      limit 1
    ),
    0
  ) as last
from holdfast.audit_head h
where h.only_row
