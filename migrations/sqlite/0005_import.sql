-- Visits that occupy nothing pass the triggers quickly: an import brings millions of them.

-- A row that a new one with the same number replaced may have left reservations behind; they go as they
-- always did.
drop trigger appointments_reserve_inserted;
create trigger appointments_reserve_inserted after insert on appointments
    when new.status in ('scheduled', 'confirmed', 'in_progress')
      or exists (select 1 from reservations where appointment_id = new.id)
begin
    delete from reservations
    where appointment_id = new.id
      and not (new.status in ('scheduled', 'confirmed', 'in_progress')
               and starts_at = new.starts_at and ends_at = new.reserved_until
               and (resource_id = new.bay_id or resource_id is new.technician_id));
    insert into reservations (resource_id, starts_at, ends_at, appointment_id)
    select needed.id, new.starts_at, new.reserved_until, new.id
    from (select new.bay_id as id union all select new.technician_id) as needed
    where new.status in ('scheduled', 'confirmed', 'in_progress')
      and needed.id is not null
      and not exists (select 1 from reservations r
                      where r.appointment_id = new.id and r.resource_id = needed.id);
end;

-- Of a visit that another program knows, the import itself tells when the customer was in contact: then,
-- and not when it was imported.
drop trigger appointments_contact_inserted;
create trigger appointments_contact_inserted after insert on appointments
    when new.external_id is null
begin
    update customers set last_contact = new.created_at
    where id = new.customer_id and (last_contact is null or last_contact < new.created_at);
end;
