-- Says which database this is.
select id::text from holdfast.identity
