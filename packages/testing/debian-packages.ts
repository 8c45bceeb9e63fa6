import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const cache = path.resolve(__dirname, '../../.cache');

/**
 * The folder below .cache/ into which packages of the system's own release are unpacked, without being installed: no root needed,
 * and nothing of the system changed. Fetched once, where `name` is not there yet.
 *
 * @throws where this is no Debian (or its like), or they cannot be fetched.
 */
export async function unpackedPackages(name: string, packages: readonly string[]): Promise<string> {
  if (!existsSync('/usr/bin/dpkg')) throw new Error(`There is no ${name} here, and this is no Debian to take its packages from.`);
  const release = /VERSION_CODENAME=(\w+)/.exec(await readFile('/etc/os-release', 'utf8'))?.[1] ?? 'unknown';
  const place = path.join(cache, `${name}-${release}-${process.arch}`);
  if (!existsSync(place)) await unpack(place, name, packages);
  return place;
}

async function unpack(place: string, name: string, packages: readonly string[]): Promise<void> {
  const work = `${place}.making-${process.pid}`;
  const downloads = path.join(work, 'downloads');
  await mkdir(downloads, { recursive: true });
  try {
    await download(packages, downloads, work);
    const files = (await readdir(downloads)).filter((file) => file.endsWith('.deb'));
    const unpacked = path.join(work, 'unpacked');
    for (const file of files) await execute('dpkg', ['-x', path.join(downloads, file), unpacked]);
    await rename(unpacked, place);
  } catch (error) {
    // Another run may have been faster.
    if (!existsSync(place))
      throw new Error(`The packages of ${name} could not be fetched: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function download(packages: readonly string[], downloads: string, work: string): Promise<void> {
  try {
    await execute('apt-get', ['download', ...packages], { cwd: downloads });
  } catch {
    // A container knows of no packages until it has asked. Ask into a folder of our own: the system's is root's.
    const state = path.join(work, 'apt');
    await mkdir(path.join(state, 'lists', 'partial'), { recursive: true });
    await mkdir(path.join(state, 'archives', 'partial'), { recursive: true });
    const own = ['-o', `Dir::State::Lists=${path.join(state, 'lists')}`, '-o', `Dir::Cache=${state}`, '-o', 'APT::Sandbox::User=root'];
    await execute('apt-get', [...own, 'update'], { cwd: downloads });
    await execute('apt-get', [...own, 'download', ...packages], { cwd: downloads });
  }
}
