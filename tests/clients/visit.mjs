// A whole visit as a front desk's assistant makes it, by whichever client it is given.
//
// A client lists with `tools()`, `resources()` and `prompts()`, and asks with `call(tool, arguments)`,
// `read(uri)` and `prompt(name, arguments)`. Where it can ask the person in front of it, `person` is the
// one of `newPerson`; where it can complete arguments, it has `complete(prompt, argument, letters)`.

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

  await read(client, booked.appointment_id);
  await cancel(client, { ...appointment, reason: 'The customer is ill.' });

  const upcoming = data(await client.call('get_upcoming_appointments', owner));
  assert.deepEqual(upcoming.appointments, []);
}

/** Resources, prompts and completions, which clients offer to the person rather than to the model. */
async function read(client, appointment) {
  const listed = (await client.resources()).map((resource) => resource.uri);
  assert.ok(listed.includes('shop://hours'), `${listed}`);
  const document = async (uri) => JSON.parse((await client.read(uri)).contents[0].text);
  assert.ok((await document('shop://hours')).timezone);
  assert.equal((await document(`appointment://${appointment}`)).appointment_id, appointment);

  const prompts = (await client.prompts()).map((prompt) => prompt.name);
  assert.deepEqual(prompts, ['front_desk', 'book_visit', 'morning_briefing']);
  const { messages } = await client.prompt('book_visit', { service_type: SERVICE });
  assert.ok(messages[0].content.text.includes(SERVICE), messages[0].content.text);
  if (client.complete) {
    const { completion } = await client.complete('book_visit', 'service_type', 'oil');
    assert.deepEqual(completion.values, [SERVICE]);
  }
}

/** Cancels, which nobody can undo: a person says no first and then yes, or repeats what was read aloud. */
async function cancel(client, arguments_) {
  const { person } = client;
  if (person) person.refuses = true;
  const refused = refusal(await client.call('cancel_appointment', arguments_));
  assert.equal(refused.code, 'invalid_argument');
  const token = refused.data?.confirm_token;
  assert.equal(token === undefined, person !== undefined, JSON.stringify(refused));
  if (person) {
    assert.equal(person.asked.length, 1);
    assert.match(person.asked[0], /cancel/i);
    person.refuses = false;
  }
  const confirmed = token ? { ...arguments_, confirm_token: token } : arguments_;
  const cancelled = data(await client.call('cancel_appointment', confirmed));
  assert.equal(cancelled.status, 'cancelled');
  assert.equal(person?.asked.length ?? 2, 2);
}

/** A person who remembers what was asked, and agrees unless `refuses`. */
export function newPerson() {
  const person = { asked: [], refuses: false };
  person.answer = ({ params }) => {
    person.asked.push(params.message);
    if (person.refuses) return { action: 'decline' };
    const fields = Object.keys(params.requestedSchema.properties);
    return { action: 'accept', content: Object.fromEntries(fields.map((name) => [name, true])) };
  };
  return person;
}
