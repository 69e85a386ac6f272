// The official conformance suite, for both eras of the protocol. It tests over HTTP alone, so a gateway
// stands between. `conformance.json` names what cannot pass, and why: whatever else fails is a failure,
// and so is what is named there and passes.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { openShop } from './shop.mjs';

const GATEWAY = 'node_modules/supergateway/dist/index.js';
const BASELINE = JSON.parse(readFileSync('conformance.json', 'utf8'));

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts the gateway before the shop's server, and waits until it answers. */
async function openGateway(t, shop) {
  const port = await freePort();
  const words = [GATEWAY, '--stdio', [shop.command, ...shop.args].join(' ')];
  words.push('--outputTransport', 'streamableHttp', '--stateful', '--port', `${port}`);
  words.push('--healthEndpoint', '/ready', '--logLevel', 'none');
  const env = { ...process.env, ...shop.env };
  const gateway = spawn(process.execPath, words, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  t.after(() => gateway.kill());
  const origin = `http://localhost:${port}`;
  for (let waited = 0; waited < 30_000; waited += 50) {
    const answer = await fetch(`${origin}/ready`).catch(() => undefined);
    if (answer?.ok) return `${origin}/mcp`;
    assert.equal(gateway.exitCode, null, 'the gateway runs');
    await setTimeout(50);
  }
  assert.fail('the gateway does not answer');
}

/** Runs a suite; the checks of each scenario. */
async function score(suite, url, folder) {
  const words = [join('node_modules', suite.program), 'server', '--url', url, ...suite.options];
  const run = spawn(process.execPath, [...words, '-o', folder], { stdio: 'ignore' });
  await once(run, 'exit');
  const scenarios = readdirSync(folder).map((name) => [
    name.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT[-\d]+Z$/, ''),
    JSON.parse(readFileSync(join(folder, name, 'checks.json'), 'utf8')),
  ]);
  return new Map(scenarios);
}

const fails = (check) => check.status === 'FAILURE' || check.status === 'WARNING';

for (const [era, suite] of Object.entries(BASELINE)) {
  test(`Conformance, ${era}`, async (t) => {
    const shop = openShop(t);
    const scenarios = await score(suite, await openGateway(t, shop), join(shop.env.HOME, 'results'));
    assert.equal(scenarios.size, suite.scenarios, 'all scenarios were played');

    const excused = new Set(suite.excused.flatMap((excuse) => excuse.scenarios));
    const wrong = [];
    for (const [scenario, checks] of scenarios) {
      const failed = checks.filter(fails);
      if (excused.delete(scenario)) {
        if (failed.length === 0) wrong.push(`${scenario} passes, and is excused`);
        continue;
      }
      for (const check of failed) {
        const said = `${check.status} ${scenario}/${check.id}: ${check.errorMessage}`;
        if (!excused.delete(`${scenario}/${check.id}`)) wrong.push(said);
      }
    }
    wrong.push(...[...excused].map((name) => `${name} did not fail, and is excused`));
    assert.deepEqual(wrong, []);
    const checks = [...scenarios.values()].flat();
    const passed = checks.filter((check) => check.status === 'SUCCESS').length;
    t.diagnostic(`${scenarios.size} scenarios, ${passed} checks passed`);
  });
}
