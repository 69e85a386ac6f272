// A shop of a test's own: the server that SERVICEBAY names, on a database that nobody else uses.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function openShop(test, settings = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'servicebay-clients.'));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'servicebay.toml');
  writeFileSync(file, '[shop]\ntimezone = "America/New_York"\n\n[nhtsa]\nbase_url = ""\n');
  return {
    command: process.env.SERVICEBAY,
    args: ['serve'],
    env: {
      HOME: folder,
      DATABASE_URL: `sqlite:${join(folder, 'shop.db')}`,
      SERVICEBAY_CONFIG: file,
      ...settings,
    },
  };
}
