// The MCP bundle as a client takes it: packed, checked, unpacked and started with its default settings;
// and what the MCP registry is told.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { getMcpConfigForManifest } from '@anthropic-ai/mcpb';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

import { openShop } from './shop.mjs';

const MCPB = 'node_modules/@anthropic-ai/mcpb/dist/cli/cli.js';
const { PROJECT } = process.env;
const NAME = 'com.example/servicebay';
const URL = 'https://example.com/servicebay.mcpb';

const json = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** Packs into a folder of the test's own; the bundle's file and the registry's. */
function pack(folder) {
  mkdirSync(join(folder, 'clients'));
  const printed = execFileSync(process.execPath, ['pack.mjs', PROJECT, folder, NAME, URL], {
    encoding: 'utf8',
  });
  return printed.trim().split('\n').slice(-2);
}

test('the bundle', async (t) => {
  const shop = openShop(t);
  const folder = join(shop.env.HOME, 'target');
  mkdirSync(folder);
  const [file, registered] = pack(folder);
  const version = readFileSync(join(PROJECT, 'Cargo.toml'), 'utf8').match(/^version = "(.*)"$/m)[1];

  await t.test('starts with nothing set', async () => {
    const unpacked = join(shop.env.HOME, 'unpacked');
    execFileSync(process.execPath, [MCPB, 'unpack', file, unpacked]);
    const manifest = json(join(unpacked, 'manifest.json'));
    assert.equal(manifest.version, version);
    const config = await getMcpConfigForManifest({
      manifest,
      extensionPath: unpacked,
      systemDirs: {},
      userConfig: {},
      pathSeparator: '/',
    });
    assert.equal(config.env.SHOP_BAYS, '');
    const client = new Client({ name: 'bundle', version: '1' });
    await client.connect(
      new StdioClientTransport({ ...config, env: { ...config.env, HOME: shop.env.HOME } }),
    );
    t.after(() => client.close());
    const listed = (await client.listTools()).tools.map((tool) => tool.name);
    assert.deepEqual(manifest.tools.map((tool) => tool.name), listed);
    const day = { name: 'get_available_slots', arguments: { date: 'tomorrow' } };
    assert.ok(!(await client.callTool(day)).isError);
  });

  await t.test('is what the registry is told', () => {
    const server = json(registered);
    // The schema's own rules: 2025-12-11.
    assert.match(server.name, /^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/);
    for (const [text, longest] of [[server.title, 100], [server.description, 100]]) {
      assert.ok(text.length >= 1 && text.length <= longest, text);
    }
    assert.equal(server.version, version);
    const [mcpb] = server.packages;
    assert.deepEqual([mcpb.registryType, mcpb.identifier, mcpb.version], ['mcpb', URL, version]);
    assert.deepEqual(mcpb.transport, { type: 'stdio' });
    assert.equal(mcpb.fileSha256, createHash('sha256').update(readFileSync(file)).digest('hex'));
    const names = Object.keys(json(join(PROJECT, 'bundle/manifest.json')).server.mcp_config.env);
    assert.deepEqual(mcpb.environmentVariables.map((variable) => variable.name), names);
  });
});
