-- How the services that are asked have answered, all processes of this database together.

create table upstream_counters (
    service text primary key,
    -- When the first call was counted.
    since integer not null,
    calls integer not null default 0,
    successes integer not null default 0,
    -- Failures, by the code that callers are told.
    timeouts integer not null default 0,
    errors integer not null default 0,
    unauthorized integer not null default 0,
    rate_limited integer not null default 0,
    unavailable integer not null default 0,
    -- Requests that were sent once more.
    retries integer not null default 0,
    -- How often a process found the circuit opened, and until when the last one leaves it open.
    openings integer not null default 0,
    open_until integer,
    last_error text,
    last_error_at integer
) strict;
