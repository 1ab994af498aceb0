-- Lock the head of the audit log until the end of the transaction: nobody else changes a tenant or an API key.
select h.sequence
from holdfast.audit_head h
where h.only_row
for update
