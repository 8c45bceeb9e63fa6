import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { unpackedPackages } from './debian-packages';
import { handover } from './handover';

/**
 * What a process is started with to have a clock of its own, `offset` from the machine's: `+800d`, `-20m`. Only what the process reads
 * as the time of day is moved; how long something takes is as ever.
 */
export function wrongClock(offset: string): Record<string, string> {
  return clockThrough(process.env[handover.faketime] ?? '', offset);
}

/** Whether there is a libfaketime to start processes with; what needs one is left out otherwise: `const withClocks = clocksCanBeWrong() ? test : test.skip`. */
export function clocksCanBeWrong(): boolean {
  return process.env[handover.faketime] !== undefined;
}

/**
 * Finds Debian's libfaketime, unpacked below .cache/.
 *
 * @throws where there is none, or it does not work with this Node.
 */
export async function findFaketime(): Promise<string> {
  const unpacked = await unpackedPackages('faketime', ['libfaketime']);
  const lib = path.join(unpacked, 'usr', 'lib');
  const found = (await readdir(lib))
    .map((folder) => path.join(lib, folder, 'faketime', 'libfaketime.so.1'))
    .find((file) => existsSync(file));
  if (found === undefined) throw new Error(`there is no libfaketime in ${unpacked}; remove it to have it made anew`);
  const { stdout } = await promisify(execFile)(process.execPath, ['-p', 'Date.now()'], { env: clockThrough(found, '+800d') });
  if (Math.abs(Number(stdout) - Date.now() - 800 * 86_400_000) > 60_000) throw new Error(`${found} does not move the clock of this Node`);
  return found;
}

function clockThrough(library: string, offset: string): Record<string, string> {
  return { LD_PRELOAD: library, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_NO_CACHE: '1' };
}
