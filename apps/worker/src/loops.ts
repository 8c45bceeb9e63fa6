import { pullBackTimes } from '#delivery';
import type { DirectoryPool } from '#directory';
import { presentTime } from '#identifier';
import { type Mailer, sendDueMails } from '#notify';
import { analyzeGrown, type Config, type Logger } from '#runtime';
import type { Loop } from './loop';
import { type MailTimes, writeMails } from './mail';
import { erase, remap } from './remapping';
import { endCredentials, purge, upkeep } from './upkeep';

export interface LoopNeeds {
  pool: DirectoryPool;
  log: Logger;
  retention: Config['retention'];
  mailer: Mailer;
  mailTimes: MailTimes;
  /** What looks at all data waits so long after a start, lest one restart after another do nothing else. */
  upkeepAfterMs: number;
  /** Holds the database against what was seen of it. */
  remember: () => Promise<void>;
  /** Finds what is due and rung for by nobody, and rings. */
  sweep: () => Promise<void>;
}

const hourMs = 3_600_000;

/** All that a worker does again and again, beside the sequencer and the deliveries. */
export function workerLoops({ pool, log, retention, mailer, mailTimes, upkeepAfterMs, remember, sweep }: LoopNeeds): Loop[] {
  return [
    { name: 'sweep', everyMs: 1_000, run: sweep },
    { name: 'remember', everyMs: 1_000, run: remember },
    {
      name: 'clock',
      // With a lease of 20 s and a sweep: everything goes on within 30 s.
      everyMs: 3_000,
      run: async () => {
        const pulledBack = await pullBackTimes(pool);
        if (Object.values(pulledBack).some((rows) => rows > 0))
          log.warn(pulledBack, "the database's clock was set back: what lay further ahead than it can was pulled back");
      },
    },
    { name: 'remap', everyMs: 1_000, run: (stop) => remap(pool, stop) },
    { name: 'erase', everyMs: 2_000, run: (stop) => erase(pool, stop) },
    {
      name: 'analyze',
      everyMs: 3_000,
      run: async () => {
        const tables = await analyzeGrown(pool);
        if (tables.length > 0) log.debug({ tables }, 'tables that had doubled were analyzed');
      },
    },
    {
      name: 'mail',
      everyMs: Math.min(5_000, mailTimes.gatherMs),
      run: async (stop) => {
        await writeMails(pool, mailTimes, presentTime());
        await sendDueMails(
          pool,
          mailer,
          {
            onGivenUp: ({ to, subject }, reason) => log.error({ to, subject, reason }, 'a mail could not be sent, and is given up'),
            onDelay: (reason) => log.warn({ reason }, 'a mail could not be sent; tried again'),
          },
          stop,
        );
      },
    },
    { name: 'purge', everyMs: 60_000, afterMs: 10_000, run: (stop) => purge(pool, stop) },
    {
      name: 'upkeep',
      everyMs: hourMs,
      afterMs: upkeepAfterMs,
      run: async () => {
        const done = await upkeep(pool, retention);
        if (!done) return;
        const { made, dropped, forgotten } = done;
        if (made.length > 0 || forgotten > 0) log.info({ made, forgotten }, 'upkeep');
        // Whoever misses something should find when it went.
        if (dropped.length > 0) log.warn({ dropped }, 'partitions were dropped, whose time is over by RETENTION_…_DAYS');
      },
    },
    { name: 'credentials', everyMs: hourMs, afterMs: upkeepAfterMs, run: (stop) => endCredentials(pool, stop) },
  ];
}
