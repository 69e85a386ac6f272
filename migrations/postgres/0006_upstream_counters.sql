-- How the services that are asked have answered, all processes of this database together.

create table upstream_counters (
    service text primary key,
    -- When the first call was counted.
    since bigint not null,
    calls bigint not null default 0,
    successes bigint not null default 0,
    -- Failures, by the code that callers are told.
    timeouts bigint not null default 0,
    errors bigint not null default 0,
    unauthorized bigint not null default 0,
    rate_limited bigint not null default 0,
    unavailable bigint not null default 0,
    -- Requests that were sent once more.
    retries bigint not null default 0,
    -- How often a process found the circuit opened, and until when the last one leaves it open.
    openings bigint not null default 0,
    open_until bigint,
    last_error text,
    last_error_at bigint
);
