"""The visit by the Python SDK, in both eras of the protocol."""

import json
import os
import tempfile
import unittest

from mcp import Client, StdioServerParameters
from mcp.types import ElicitResult, PromptReference

PHONE = "(202) 555-0123"
VIN = "1HGCM82633A004352"
SERVICE = "oil_change"


class Person:
    """Whoever sits at the client: agrees unless `refuses`, and remembers what was asked."""

    def __init__(self):
        self.asked = []
        self.refuses = False

    async def answer(self, _context, question):
        self.asked.append(question.message)
        if self.refuses:
            return ElicitResult(action="decline")
        fields = question.requested_schema["properties"]
        return ElicitResult(action="accept", content={name: True for name in fields})


class Visit(unittest.IsolatedAsyncioTestCase):
    async def call(self, tool, **arguments):
        """The reply's envelope, which a success has twice."""
        result = await self.client.call_tool(tool, arguments, read_timeout_seconds=20)
        envelope = json.loads(result.content[0].text)
        self.assertEqual(envelope["success"], not result.is_error, envelope)
        self.assertEqual(result.structured_content, None if result.is_error else envelope)
        self.assertTrue(envelope["message"])
        return envelope

    async def data(self, tool, **arguments):
        envelope = await self.call(tool, **arguments)
        self.assertTrue(envelope["success"], envelope)
        return envelope["data"]

    async def test_2025_11_25(self):
        await self.visit("legacy", "2025-11-25")

    async def test_2026_07_28(self):
        await self.visit("auto", "2026-07-28")

    async def visit(self, mode, version):
        with tempfile.TemporaryDirectory(prefix="servicebay-clients.") as folder:
            settings = {
                "HOME": folder,
                "DATABASE_URL": f"sqlite:{folder}/shop.db",
                "SHOP_TIMEZONE": "America/New_York",
                "NHTSA_BASE_URL": "",
            }
            program = os.environ["SERVICEBAY"]
            server = StdioServerParameters(command=program, args=["serve"], env=settings)
            self.person = Person()
            answer = self.person.answer
            async with Client(server, mode=mode, elicitation_callback=answer) as self.client:
                self.assertEqual(self.client.protocol_version, version)
                await self.come()

    async def come(self):
        tools = (await self.client.list_tools()).tools
        self.assertIn("book_appointment", [tool.name for tool in tools])

        unknown = await self.data("lookup_customer", phone_number=PHONE)
        self.assertFalse(unknown["found"])

        created = await self.data(
            "create_customer", first_name="Dana", last_name="Whitfield", phone_number=PHONE
        )
        customer = created["customer"]["id"]
        added = await self.data("add_vehicle", customer_id=customer, vin=VIN)
        self.assertEqual(added["vehicle"]["make"], "Honda")

        free = await self.data(
            "get_available_slots", date="tomorrow", days=7, service_type=SERVICE
        )
        first, second = next(
            day["available_slots"][:2] for day in free["by_date"] if len(day["available_slots"]) > 1
        )
        hold = await self.data("hold_slot", scheduled_at=first, service_type=SERVICE)
        wanted = {
            "customer_id": customer,
            "vehicle_id": added["vehicle"]["id"],
            "scheduled_at": first,
            "service_type": SERVICE,
        }
        booked = await self.data("book_appointment", **wanted, hold_id=hold["hold_id"])
        self.assertEqual(booked["status"], "scheduled")
        appointment = booked["appointment_id"]

        refused = await self.call("book_appointment", **{**wanted, "customer_id": 999})
        self.assertEqual(refused["code"], "customer_not_found")

        moved = await self.data(
            "reschedule_appointment", appointment_id=appointment, new_datetime=second
        )
        self.assertEqual(moved["new_datetime"], second)

        await self.read(appointment)
        await self.cancel(appointment)
        upcoming = await self.data("get_upcoming_appointments", customer_id=customer)
        self.assertEqual(upcoming["appointments"], [])

    async def read(self, appointment):
        """Resources, prompts and completions, which are for the person rather than the model."""
        listed = (await self.client.list_resources()).resources
        self.assertIn("shop://hours", [str(one.uri) for one in listed])
        for uri in ["shop://hours", f"appointment://{appointment}"]:
            document = json.loads((await self.client.read_resource(uri)).contents[0].text)
            self.assertTrue(document)

        prompts = [prompt.name for prompt in (await self.client.list_prompts()).prompts]
        self.assertEqual(prompts, ["front_desk", "book_visit", "morning_briefing"])
        prompt = await self.client.get_prompt("book_visit", {"service_type": SERVICE})
        self.assertIn(SERVICE, prompt.messages[0].content.text)
        reference = PromptReference(name="book_visit")
        typed = {"name": "service_type", "value": "oil"}
        completed = await self.client.complete(reference, typed)
        self.assertEqual(completed.completion.values, [SERVICE])

    async def cancel(self, appointment):
        """Cancels, which nobody can undo: the person says no first, and then yes."""
        wanted = {"appointment_id": appointment, "reason": "The customer is ill."}
        self.person.refuses = True
        refused = await self.call("cancel_appointment", **wanted)
        self.assertEqual(refused["code"], "invalid_argument")
        self.assertEqual(len(self.person.asked), 1)
        self.person.refuses = False
        cancelled = await self.data("cancel_appointment", **wanted)
        self.assertEqual(cancelled["status"], "cancelled")
        self.assertEqual(len(self.person.asked), 2)


if __name__ == "__main__":
    unittest.main()
