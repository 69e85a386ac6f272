// Packs the bundle: node pack.mjs PROJECT TARGET [NAME URL]. See scripts/bundle.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MCPB = join(dirname(fileURLToPath(import.meta.url)), 'node_modules/@anthropic-ai/mcpb/dist/cli/cli.js');

const [project, target, name, url] = process.argv.slice(2);
const program = process.env.SERVICEBAY;

const read = (path) => JSON.parse(readFileSync(join(project, path), 'utf8'));
const write = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);

/** What the program says of its tools, so that a client can show them before it starts it. */
function tools() {
  const env = { PATH: process.env.PATH, HOME: join(target, 'clients', 'nobody') };
  const printed = execFileSync(program, ['tools'], { env, encoding: 'utf8', maxBuffer: 1 << 24 });
  return JSON.parse(printed).tools.map(({ name, title }) => ({ name, description: title }));
}

const folder = join(target, 'bundle');
rmSync(folder, { recursive: true, force: true });
mkdirSync(join(folder, 'server'), { recursive: true });
const suffix = process.platform === 'win32' ? '.exe' : '';
cpSync(program, join(folder, 'server', `servicebay${suffix}`));
for (const license of ['LICENSE', 'LICENSE-APACHE', 'LICENSE-MIT']) {
  cpSync(join(project, license), join(folder, license));
}
const manifest = read('bundle/manifest.json');
// The program in it runs on one platform.
manifest.compatibility = { platforms: [process.platform] };
manifest.tools = tools();
write(join(folder, 'manifest.json'), manifest);

const file = join(target, `servicebay-${manifest.version}-${process.platform}-${process.arch}.mcpb`);
execFileSync(process.execPath, [MCPB, 'validate', join(folder, 'manifest.json')], { stdio: 'inherit' });
execFileSync(process.execPath, [MCPB, 'pack', folder, file], { stdio: 'inherit' });
console.log(file);

if (name) {
  const server = { ...read('bundle/server.json') };
  const hash = createHash('sha256').update(readFileSync(file)).digest('hex');
  const { $schema, ...rest } = server;
  const packages = rest.packages.map(({ registryType, ...others }) => ({
    registryType,
    identifier: url,
    fileSha256: hash,
    ...others,
  }));
  write(join(target, 'server.json'), { $schema, name, ...rest, packages });
  console.log(join(target, 'server.json'));
}
