-- Changes that a remote service was asked for under a key of ours, until it is known what became of them.

create table remote_changes (
    -- The key under which the service makes the change once.
    key text primary key,
    -- What was asked for, hashed: the same again while nobody knows is the same change.
    request text not null,
    first_asked_at integer not null,
    last_asked_at integer not null,
    -- Until when somebody waits for the answer, unless that is put off.
    busy_until integer not null
) strict;
create index remote_changes_request on remote_changes (request);
