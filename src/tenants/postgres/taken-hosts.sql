-- Which of these hosts and paths are another tenant's. At most one row, for a sentence.
--
-- $1 tenant text: whose they were to be
-- $2 hosts jsonb: [{host, path}]
select h.host, h.path
from jsonb_to_recordset($2::jsonb) as wanted (host text, path text)
join holdfast.tenant_host h on h.host = wanted.host and h.path = wanted.path
where h.tenant <> $1::text
order by h.host, h.path
limit 1
