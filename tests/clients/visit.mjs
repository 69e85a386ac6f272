// A whole visit as a front desk's assistant makes it, by whichever client it is given.
//
// A client is {tools, call, asked, ...}: `tools()` lists the tools, `call(name, arguments)` makes a call
// and returns its result, `answers` is what the person answers when the server asks, and `asked` counts
// how often it did; `canBeAsked` says whether the client declares that there is a person.

import assert from 'node:assert/strict';

const PHONE = '(202) 555-0123';
const VIN = '1HGCM82633A004352';
const SERVICE = 'oil_change';

/** The data of a reply that has to be a success. */
function data(result) {
  const envelope = JSON.parse(result.content[0].text);
  assert.equal(envelope.success, true, JSON.stringify(envelope));
  assert.ok(!result.isError);
  assert.deepEqual(result.structuredContent, envelope, 'the same as text and as structured content');
  assert.ok(envelope.message.length > 0);
  return envelope.data;
}

/** The envelope of a reply that has to be a failure. */
function refusal(result) {
  const envelope = JSON.parse(result.content[0].text);
  assert.equal(envelope.success, false, JSON.stringify(envelope));
  assert.equal(result.isError, true);
  assert.equal(result.structuredContent, undefined, 'older clients hold it against the schema');
  return envelope;
}

/** Two free times of the coming days. */
async function freeTimes(client) {
  const found = data(
    await client.call('get_available_slots', { date: 'tomorrow', days: 7, service_type: SERVICE }),
  );
  const day = found.by_date.find((day) => day.available_slots.length > 1);
  assert.ok(day, JSON.stringify(found));
  return day.available_slots;
}

export async function visit(client) {
  const tools = await client.tools();
  const names = tools.map((tool) => tool.name);
  for (const name of ['lookup_customer', 'book_appointment', 'cancel_appointment']) {
    assert.ok(names.includes(name), `${name} is listed`);
  }

  const unknown = data(await client.call('lookup_customer', { phone_number: PHONE }));
  assert.equal(unknown.found, false);

  const person = { first_name: 'Dana', last_name: 'Whitfield', phone_number: PHONE };
  const { customer } = data(await client.call('create_customer', person));
  const owner = { customer_id: customer.id };
  const { vehicle } = data(await client.call('add_vehicle', { ...owner, vin: VIN }));
  assert.equal(vehicle.make, 'Honda');

  const [first, second] = await freeTimes(client);
  const hold = data(await client.call('hold_slot', { scheduled_at: first, service_type: SERVICE }));
  const wanted = { ...owner, vehicle_id: vehicle.id, scheduled_at: first, service_type: SERVICE };
  const booked = data(
    await client.call('book_appointment', { ...wanted, hold_id: hold.hold_id }),
  );
  assert.equal(booked.status, 'scheduled');
  const appointment = { appointment_id: booked.appointment_id };

  const stranger = await client.call('book_appointment', { ...wanted, customer_id: 999 });
  const refused = refusal(stranger);
  assert.equal(refused.code, 'customer_not_found');
  assert.ok(refused.message && refused.error, JSON.stringify(refused));

  const moved = data(
    await client.call('reschedule_appointment', { ...appointment, new_datetime: second }),
  );
  assert.equal(moved.new_datetime, second);

  await cancel(client, { ...appointment, reason: 'The customer is ill.' });

  const upcoming = data(await client.call('get_upcoming_appointments', owner));
  assert.deepEqual(upcoming.appointments, []);
}

async function cancel(client, arguments_) {
  const cancelled = data(await client.call('cancel_appointment', arguments_));
  assert.equal(cancelled.status, 'cancelled');
}

/** What a person fills in who agrees. */
export function agreement(schema) {
  const fields = Object.entries(schema?.properties ?? {});
  const value = (field) => (field.type === 'boolean' ? true : (field.enum?.[0] ?? 'yes'));
  return Object.fromEntries(fields.map(([name, field]) => [name, value(field)]));
}
