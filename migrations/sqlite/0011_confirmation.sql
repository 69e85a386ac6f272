-- What proves that a person was asked is sealed with this secret, so that any process can finish what
-- another one began.
create table confirmation_secret (
    id integer primary key check (id = 1),
    secret text not null
) strict;

-- A confirmation is used once: it is put down in the transaction that does what was confirmed. It is
-- dropped once it would no longer be accepted anyway.
create table used_confirmations (
    nonce text primary key,
    expires_at integer not null
) strict;
