-- The shop's calendar: which appointments differ from their events, and what staff have blocked.

-- One row: the calendar that is connected, and how far it was read.
create table calendar (
    id bigint primary key check (id = 1),
    -- Changes of appointments are marked below up to this instant, a month after a server last had a
    -- calendar: where nobody looks at the marks, nothing is marked.
    marking_until bigint not null default -1,
    -- From it and the appointment's number the name of an event is made, so that a second try finds the
    -- event of the first, and nobody else's.
    salt text,
    -- Which calendar it is.
    address text,
    -- From where on the calendar tells what has changed in it.
    token text,
    -- Up to when blocks are known.
    known_until bigint not null default 0,
    -- When what is below was last known to be what the calendar says.
    read_at bigint,
    -- How often in a row it could not be read, and when it is read next.
    failures bigint not null default 0,
    next_read_at bigint not null default 0,
    -- Until when one of the servers is reading it.
    reading_until bigint not null default 0,
    reader text
);
insert into calendar (id) values (1);

-- One row for each appointment whose event was written or is to be written. It is a mark, no message: an
-- appointment that is changed five times is written once.
create table calendar_events (
    appointment_id bigint primary key,
    -- How often the appointment was changed, and which of these changes the calendar has.
    wanted bigint not null default 1,
    written bigint not null default 0,
    event_id text,
    etag text,
    -- The times that the calendar was given.
    starts_at bigint,
    ends_at bigint,
    -- What staff have made of the event since.
    staff_did text check (staff_did in ('moved', 'deleted')),
    staff_starts_at bigint,
    staff_ends_at bigint,
    staff_seen_at bigint,
    -- Who is about to write it, and until when nobody else does.
    claim text,
    claimed_until bigint not null default 0,
    attempts bigint not null default 0,
    next_at bigint not null default 0
);
create index calendar_events_due on calendar_events (next_at, appointment_id) where written < wanted;
create unique index calendar_events_name on calendar_events (event_id) where event_id is not null;
create index calendar_events_conflicts on calendar_events (starts_at, appointment_id) where staff_did is not null;

-- When the shop, or a bay of it, is blocked by the calendar: no row longer than a day.
create table calendar_blocks (
    event text not null,
    starts_at bigint not null,
    ends_at bigint not null,
    -- The bay or the technician; 0 is the whole shop.
    resource_id bigint not null,
    primary key (event, starts_at, resource_id),
    check (ends_at > starts_at and ends_at - starts_at <= 86400)
);
create index calendar_blocks_time on calendar_blocks (starts_at, ends_at, resource_id);

create function calendar_appointments_changed() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        update calendar_events set wanted = wanted + 1, next_at = 0 where appointment_id = old.id;
    elsif not exists (select 1 from calendar where marking_until >= new.updated_at) then
        return null;
    elsif new.status in ('scheduled', 'confirmed', 'in_progress') then
        insert into calendar_events as e (appointment_id) values (new.id)
        on conflict (appointment_id) do update set wanted = e.wanted + 1, next_at = 0;
    else
        update calendar_events set wanted = wanted + 1, next_at = 0 where appointment_id = new.id;
    end if;
    return null;
end $$;
create trigger calendar_appointments_inserted after insert on appointments
    for each row when (new.status in ('scheduled', 'confirmed', 'in_progress'))
    execute function calendar_appointments_changed();
create trigger calendar_appointments_updated
    after update of customer_id, vehicle_id, bay_id, technician_id, starts_at, ends_at, service_type,
                    service_description, customer_concerns, status on appointments
    for each row execute function calendar_appointments_changed();
create trigger calendar_appointments_deleted after delete on appointments
    for each row execute function calendar_appointments_changed();

-- An event names the customer and the vehicle.
create function calendar_names_changed() returns trigger language plpgsql as $$
begin
    if not exists (select 1 from calendar where marking_until >= 0) then
        return null;
    end if;
    if tg_table_name = 'customers' then
        update calendar_events set wanted = wanted + 1, next_at = 0
        where appointment_id in (select id from appointments
                                 where customer_id = new.id
                                   and status in ('scheduled', 'confirmed', 'in_progress'));
    else
        update calendar_events set wanted = wanted + 1, next_at = 0
        where appointment_id in (select id from appointments
                                 where vehicle_id = new.id
                                   and status in ('scheduled', 'confirmed', 'in_progress'));
    end if;
    return null;
end $$;
create trigger calendar_customers_renamed after update of first_name, last_name on customers
    for each row when (new.first_name <> old.first_name or new.last_name <> old.last_name)
    execute function calendar_names_changed();
create trigger calendar_vehicles_changed after update of year, make, model on vehicles
    for each row when (new.year <> old.year or new.make <> old.make or new.model <> old.model)
    execute function calendar_names_changed();
