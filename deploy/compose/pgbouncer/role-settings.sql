-- What a server behind a pooler in transaction mode says it needs, for this role and database.
alter role holdfast in database holdfast set lock_timeout = '1s';
alter role holdfast in database holdfast set statement_timeout = '3s';
alter role holdfast in database holdfast set idle_in_transaction_session_timeout = '5s';
alter role holdfast in database holdfast set enable_seqscan = 'off';
alter role holdfast in database holdfast set enable_bitmapscan = 'off';
alter role holdfast in database holdfast set enable_mergejoin = 'off';
alter role holdfast in database holdfast set jit = 'off';
alter role holdfast in database holdfast set client_min_messages = 'warning';
alter role holdfast in database holdfast set plan_cache_mode = 'force_generic_plan';
