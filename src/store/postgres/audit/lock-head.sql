-- Lock the head of the audit log until the end of the transaction: nobody else writes a line. What is looked at from then on
-- is all that there is.
select h.sequence
from holdfast.audit_head h
where h.only_row
for update
