/** Runs before each test file of the project `pure` in jest.config.ts: its files get no server, though others of the same run have some. */
import { handover } from './handover';

process.env[handover.without] = 'pure';
