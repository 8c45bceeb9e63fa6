/**
 * A negative control, loaded before a worker's own main: the same worker, but whoever once held a lane may write to it. The
 * conditions that fence a lane are taken out of its statements.
 *
 * It throws where it finds nothing to take out: a control that controls nothing must not run.
 */
import * as statements from '../../postgres/prepared';
import { interpose } from './interpose';

const fences: Record<string, RegExp> = {
  ack_lanes: /where l\.lease_epoch = a\.epoch\s+and l\.cursor_sequence = a\.previous\s+and l\.leased > 0/,
  renew_lane: /and lease_epoch = \$3\s+and cursor_sequence = \$4\s+and leased > 0/,
};
const unfenced: Record<string, string> = {
  ack_lanes: 'where true',
  // The parameters stay, or PostgreSQL could not tell their types.
  renew_lane: 'and $3::bigint is not null and $4::bigint is not null',
};

const found = new Set<string>();

interpose(statements, 'prepared', (prepared) => (name, text) => {
  const fence = fences[name];
  if (!fence) return prepared(name, text);
  if (!fence.test(text))
    throw new Error(`the statement ${name} is not fenced as this control expects: bring without-fencing.ts up to date`);
  found.add(name);
  return prepared(name, text.replace(fence, unfenced[name] ?? ''));
});

setImmediate(() => {
  const missing = Object.keys(fences).filter((name) => !found.has(name));
  if (missing.length > 0) throw new Error(`the statements ${missing.join(', ')} were not found: bring without-fencing.ts up to date`);
});
