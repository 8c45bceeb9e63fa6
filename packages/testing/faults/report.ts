import { clock, grouped, type Violation, violationsOf } from './invariants';
import type { Run } from './records';

/** One line that says what a run has been through. */
export function summary(run: Run): string {
  const outcomes = grouped(run.calls, ({ outcome }) => outcome);
  const repeated =
    run.receipts.filter(({ accepted }) => accepted).length -
    new Set(run.receipts.filter(({ accepted }) => accepted).map(({ endpoint, webhookId }) => `${endpoint} ${webhookId}`)).size;
  const { quietAt, calmAt } = run.ending;
  const tried = ['acknowledged', 'refused', 'unknown', 'found_done'].map(
    (outcome) => `${outcomes.get(outcome)?.length ?? 0} ${outcome.replace('_', ' ')}`,
  );
  return [
    run.plan.topology.padEnd(10),
    `seed ${run.plan.seed}:`,
    `${tried.join(', ')};`,
    `${run.log.length} events;`,
    `${run.receipts.length} webhooks, ${repeated} of them twice;`,
    `${run.incidents.filter(({ kind }) => kind !== 'process_ended').length} faults, ${run.incidents.filter(({ kind }) => kind === 'process_ended').length} ends of processes;`,
    quietAt === null ? 'never quiet' : `quiet after ${((quietAt - calmAt) / 1_000).toFixed(1)} s`,
  ].join(' ');
}

const shownOfEach = 2;

/** What a run has broken, and the lines around it: of each invariant the first two. Empty where it has kept every promise. */
export function complaints(run: Run, violations: Violation[] = violationsOf(run)): string[] {
  return [...grouped(violations, ({ invariant }) => invariant).values()].flatMap((ofOne) => [
    ...ofOne.slice(0, shownOfEach).map((violation) => inWords(run, violation)),
    ...(ofOne.length > shownOfEach ? [`${ofOne[0]?.invariant ?? ''}: and ${ofOne.length - shownOfEach} more`] : []),
  ]);
}

function inWords(run: Run, { invariant, sentence, at, excerpt = [] }: Violation): string {
  const around = at === undefined ? [] : run.incidents.filter((incident) => incident.at < at + 3_000 && incident.endedAt > at - 25_000);
  return [
    `${invariant}: ${sentence}${at === undefined ? '' : ` (${clock(at)})`}`,
    ...excerpt.map((text) => `    ${text}`),
    ...(around.length > 0
      ? [
          '    meanwhile:',
          ...around.map((incident) => `      ${clock(incident.at)}–${clock(incident.endedAt)} ${incident.kind}: ${incident.detail}`),
        ]
      : []),
  ].join('\n');
}
