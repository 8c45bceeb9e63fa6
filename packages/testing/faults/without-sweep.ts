/** A negative control, loaded before a worker's own main: the same worker, but nobody looks for what has been forgotten. */
import * as sweeping from '../../delivery/lanes/sweep';
import { interpose } from './interpose';

interpose(sweeping, 'sweep', () => async () => []);
