/** `npm run test:faults`: the fault tests in their long form. See docs/faults.md. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { missedBy, violationsOf } from './invariants';
import { type Control, controls, type Plan, plans } from './plans';
import { Random } from './random';
import { Records, runFolders, type Run } from './records';
import { complaints, summary } from './report';
import { run } from './run';
import { type FaultKind, kindsFor } from './schedule';
import { topologies } from './system';

const { values: options } = parseArgs({
  options: {
    iterations: { type: 'string', default: '30' },
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    topology: { type: 'string' },
    faults: { type: 'string' },
    controls: { type: 'boolean', default: true },
    keep: { type: 'boolean', default: false },
    again: { type: 'string' },
  },
  allowNegative: true,
});

const home = path.join(os.tmpdir(), `causeway-faults-${process.pid}`);
let red = 0;

async function main(): Promise<void> {
  if (options.again !== undefined) return checkAgain(options.again);
  const topology = topologies.find((name) => name === options.topology);
  const allKinds = new Set(topologies.flatMap(kindsFor));
  const kinds = options.faults?.split(',').filter((name): name is FaultKind => [...allKinds].some((kind) => kind === name));
  if (options.topology !== undefined && !topology) throw new Error(`--topology takes one of ${topologies.join(', ')}`);
  if (options.faults !== undefined && !kinds?.length) throw new Error(`--faults takes some of ${[...allKinds].join(', ')}`);

  say(`seed ${options.seed}`);
  const iterations = Number(options.iterations);
  let naivelyMissed = 0;
  let i = 0;
  for (const plan of plans(new Random(options.seed), { topology, kinds })) {
    if (++i > iterations) break;
    const made = await oneRun(`${i} of ${iterations}`, plan, `${options.seed}.${i}`);
    if (!made) continue;
    for (const poller of made.plan.pollers) if (poller.mode === 'naive') naivelyMissed += missedBy(made, poller).length;
  }
  if (iterations > 0) {
    const words = `control: readers who take the order of ids or times for the order of commits missed ${naivelyMissed} events`;
    if (naivelyMissed > 0) say(words);
    else complain(`${words}: too tame a run proves nothing`);
  }
  if (options.controls) for (const control of controls(topology === 'postgres' ? 'postgres' : 'redis')) await oneControl(control);
  say(red === 0 ? 'GREEN' : `RED: ${red}`);
}

async function oneRun(what: string, plan: Plan, seed: string): Promise<Run | undefined> {
  const folder = path.join(home, what.split(' ')[0] ?? '');
  mkdirSync(folder, { recursive: true });
  let made: Run | undefined;
  let said: string[];
  try {
    made = await run({ ...plan, seed, folder });
    said = complaints(made);
  } catch (error) {
    said = [`the run broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`];
  }
  say(`${what}, ${plan.name}: ${made ? summary(made) : plan.topology}`);
  if (said.length > 0) complain([...said, `    the records of this run: ${folder}`].join('\n'));
  else if (!options.keep) rmSync(folder, { recursive: true, force: true });
  return made;
}

/** The plan as it is must be green, and red in the right way with the part taken away. */
async function oneControl({ plan, variant, mustShow }: Control): Promise<void> {
  await oneRun(`${variant}-not`, plan, `${options.seed}.${variant}`);
  const folder = path.join(home, variant);
  const made = await run({ ...plan, seed: `${options.seed}.${variant}`, folder, variant });
  const shown = new Set(violationsOf(made).map(({ invariant }) => String(invariant)));
  const missing = mustShow.filter((invariant) => !shown.has(invariant));
  say(`control ${variant}: ${summary(made)}\n    red on ${[...shown].join(', ') || 'nothing'}`);
  if (missing.length > 0)
    complain(`a control was not found wanting on ${missing.join(', ')}: ${plan.name}\n    the records of this run: ${folder}`);
  else if (!options.keep) rmSync(folder, { recursive: true, force: true });
}

/** Looks at the records of earlier runs with the invariants as they are now. */
function checkAgain(folder: string): void {
  for (const one of runFolders(folder)) {
    const made = new Records(one).read();
    say(summary(made));
    const said = complaints(made);
    if (said.length > 0) complain(said.join('\n'));
  }
}

function say(text: string): void {
  console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);
}

function complain(text: string): void {
  red += 1;
  console.log(`✗ ${text}`);
}

// What was started ends as we do: see system.ts.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

main().then(
  () => process.exit(red === 0 ? 0 : 1),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
