/** What processes cost, from /proc. */
import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = 100; // USER_HZ, whatever the kernel's own

interface Stat {
  parent: number;
  ticks: number;
  ticksOfDead: number;
}

/** CPU seconds of a process, all of its threads. */
export function cpuOf(pid: number): number {
  return (statOf(pid)?.ticks ?? 0) / ticksPerSecond;
}

/** CPU seconds of a PostgreSQL: the postmaster, its children, and those that have ended. */
export function cpuOfPostgres(postmaster: number): number {
  let ticks = 0;
  for (const pid of familyOf(postmaster)) {
    const stat = statOf(pid);
    if (stat) ticks += stat.ticks + (pid === postmaster ? stat.ticksOfDead : 0);
  }
  return ticks / ticksPerSecond;
}

export interface Memory {
  now: number;
  peak: number;
}

/** In MB. */
export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1_024;
  return { now: of('VmRSS'), peak: of('VmHWM') };
}

function familyOf(postmaster: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => statOf(pid)?.parent === postmaster);
  return [postmaster, ...children];
}

function statOf(pid: number): Stat | undefined {
  try {
    // The name, in brackets, may hold anything: what follows it is counted from the last bracket.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    return { parent: fields[1]!, ticks: fields[11]! + fields[12]!, ticksOfDead: fields[13]! + fields[14]! };
  } catch {
    return undefined; // gone meanwhile
  }
}
