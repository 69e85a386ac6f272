// The visit by the TypeScript SDK: version 1, and version 2 in both eras of the protocol.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';

import { openShop } from './shop.mjs';
import { newPerson, visit } from './visit.mjs';

const IDENTITY = { name: 'visit', version: '1' };
const CAPABILITIES = { elicitation: { form: {} } };

/** The client as `visit` wants it. */
function adapt(sdk, person) {
  return {
    person,
    tools: async () => (await sdk.listTools()).tools,
    call: (name, args) => sdk.callTool({ name, arguments: args }),
    resources: async () => (await sdk.listResources()).resources,
    read: (uri) => sdk.readResource({ uri }),
    prompts: async () => (await sdk.listPrompts()).prompts,
    prompt: (name, args) => sdk.getPrompt({ name, arguments: args }),
    complete: (name, argument, value) =>
      sdk.complete({ ref: { type: 'ref/prompt', name }, argument: { name: argument, value } }),
  };
}

test('TypeScript SDK v1', async (t) => {
  const sdk = new ClientV1(IDENTITY, { capabilities: CAPABILITIES });
  const person = newPerson();
  sdk.setRequestHandler(ElicitRequestSchema, person.answer);
  await sdk.connect(new StdioV1(openShop(t)));
  t.after(() => sdk.close());
  await visit(adapt(sdk, person));
});

test('TypeScript SDK v1, where nobody can be asked', async (t) => {
  const sdk = new ClientV1(IDENTITY);
  await sdk.connect(new StdioV1(openShop(t, { SERVICEBAY_CONFIRM: 'always' })));
  t.after(() => sdk.close());
  await visit(adapt(sdk));
});

for (const [era, mode] of [['2025-11-25', 'legacy'], ['2026-07-28', { pin: '2026-07-28' }]]) {
  test(`TypeScript SDK v2, ${era}`, async (t) => {
    const options = { capabilities: CAPABILITIES, versionNegotiation: { mode } };
    const sdk = new ClientV2(IDENTITY, options);
    const person = newPerson();
    sdk.setRequestHandler('elicitation/create', person.answer);
    await sdk.connect(new StdioV2(openShop(t)));
    t.after(() => sdk.close());
    assert.equal(sdk.getNegotiatedProtocolVersion?.() ?? era, era);
    await visit(adapt(sdk, person));
  });
}
