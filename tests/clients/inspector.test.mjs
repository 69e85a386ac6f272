// The visit by the Inspector's command line, in both eras of the protocol, and its own check of how
// portable the list of tools is.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { promisify } from 'node:util';

import { openShop } from './shop.mjs';
import { visit } from './visit.mjs';

const run = promisify(execFile);
const INSPECTOR = 'node_modules/.bin/mcp-inspector';

/** Runs the Inspector on the shop's server; its exit code, its result and what it remarked. */
async function inspect(shop, ...options) {
  const settings = Object.entries(shop.env).flatMap(([key, value]) => ['-e', `${key}=${value}`]);
  const server = [shop.command, ...shop.args];
  const words = [INSPECTOR, '--cli', ...settings, ...server, '--format', 'json', ...options];
  // It keeps files of its own in the home folder.
  const env = { ...process.env, HOME: shop.env.HOME };
  const ended = await run(process.execPath, words, { env, maxBuffer: 1 << 24 }).catch((error) => {
    // A tool's failure.
    if (error.code === 5) return error;
    throw error;
  });
  return { code: ended.code ?? 0, result: JSON.parse(ended.stdout).result, remarks: ended.stderr };
}

function adapt(shop, era) {
  const asked = (...options) => inspect(shop, '--protocol-era', era, ...options);
  return {
    tools: async () => (await asked('--method', 'tools/list')).result.tools,
    call: async (name, args) => {
      const tool = ['--tool-name', name, '--tool-args-json', JSON.stringify(args)];
      const { code, result } = await asked('--method', 'tools/call', ...tool);
      assert.equal(code, result.isError ? 5 : 0);
      return result;
    },
    resources: async () => (await asked('--method', 'resources/list')).result.resources,
    read: async (uri) => (await asked('--method', 'resources/read', '--uri', uri)).result,
    prompts: async () => (await asked('--method', 'prompts/list')).result.prompts,
    prompt: async (name, args) => {
      const pairs = Object.entries(args).map(([key, value]) => `${key}=${value}`);
      const options = ['--prompt-name', name, '--prompt-args', ...pairs];
      return (await asked('--method', 'prompts/get', ...options)).result;
    },
  };
}

for (const era of ['legacy', 'modern']) {
  test(`Inspector, ${era}`, async (t) => {
    // Nobody sits at a command line in a script.
    await visit(adapt(openShop(t, { SERVICEBAY_CONFIRM: 'always' }), era));
  });

  test(`Inspector finds the list of tools portable, ${era}`, async (t) => {
    const options = ['--protocol-era', era, '--method', 'tools/list', '--strict'];
    const { remarks } = await inspect(openShop(t), ...options);
    assert.equal(remarks, '', 'neither errors nor warnings');
  });
}
