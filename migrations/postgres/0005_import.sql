-- Visits that occupy nothing pass the triggers quickly: an import brings millions of them.

drop trigger appointments_reserve on appointments;
create trigger appointments_reserve after update on appointments
    for each row execute function appointments_reserve();
create trigger appointments_reserve_inserted after insert on appointments
    for each row when (new.status in ('scheduled', 'confirmed', 'in_progress'))
    execute function appointments_reserve();

-- Of a visit that another program knows, the import itself tells when the customer was in contact: then,
-- and not when it was imported.
drop trigger appointments_contact_inserted on appointments;
create trigger appointments_contact_inserted after insert on appointments
    for each row when (new.external_id is null)
    execute function appointments_contact();
