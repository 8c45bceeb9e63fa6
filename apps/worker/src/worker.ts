import type { PoolClient } from 'pg';
import { register } from 'prom-client';
import { Keyring } from '#credential';
import {
  AddressRule,
  type AttemptReport,
  type Bell,
  Doorbell,
  Drain,
  FeedNotices,
  type Notice,
  Poster,
  readBacklog,
  Sequencer,
  sweep,
} from '#delivery';
import { directoryPool, SetBackWatch } from '#directory';
import { publicId, tellTimeBy } from '#identifier';
import { admitKeys, watchName } from '#keys';
import { logMailer, smtpMailer } from '#notify';
import {
  type Config,
  createPool,
  type DatabaseWatch,
  ensurePartitions,
  ensurePartitionsWith,
  type Logger,
  OutageLog,
  queueBackend,
  watchDatabase,
} from '#runtime';
import { deliveryCaches, logMemory, workerRules } from './caches';
import { startLoops } from './loop';
import { workerLoops } from './loops';
import { mailNotice, mailTimes, type MailTimes } from './mail';
import { WorkerMetrics } from './metrics';

export interface RunningWorker {
  /** Whether doorbells go through the queue. Deliveries go on without it. */
  queueReachable(): boolean;
  /** The database is older than what was seen of it, and a new epoch cannot be begun: no positions are given. */
  isSetBack(): boolean;
  /** Takes no new work, lets what is under way end, and ends within `withinMs` (default 10 s). */
  stop(withinMs?: number): Promise<void>;
}

/** Connections to PostgreSQL, besides those of BullMQ where that is on PostgreSQL too (10). */
const connections = { sequencing: 2, delivering: 10 };

// Bells that are answered here because the queue cannot be reached wait for a slot; more of them than this are left to the sweep.
const directlyAtMost = 1_000;

/**
 * Starts all that goes on beside the requests, in this process: sequencer, deliveries, sweeps, retention. Any number of workers
 * may run at once. The database must be migrated.
 *
 * Its metrics go into prom-client's default registry.
 */
export async function startWorker({
  config,
  log,
  watch: givenWatch,
  mail = mailTimes,
  upkeepAfterMs = 60_000,
}: {
  config: Config;
  log: Logger;
  /** Of this process, where there is one; otherwise it makes its own. */
  watch?: DatabaseWatch;
  mail?: MailTimes;
  upkeepAfterMs?: number;
}): Promise<RunningWorker> {
  const outages: OutageLog = new OutageLog(log, () => pool);
  const warn = (what: string, sentence: string) => (err: unknown) => outages.warn(err, what, sentence);
  const onPoolError = (err: Error): void => outages.connectionBroke(err);

  const keyring = new Keyring(config.encryptionKey, config.previousEncryptionKeys);
  const watch =
    givenWatch ?? (await watchDatabase({ databaseUrl: config.databaseUrl, log, registry: register, applicationName: watchName(keyring) }));
  tellTimeBy(watch.now);

  const memory = logMemory();
  const setBack = new SetBackWatch(memory, {
    prepare: async (client) => void (await ensurePartitionsWith(client)),
    onNewEpoch: (begun) => {
      caches.senders.forget();
      if (begun) log.error(begun, 'the database was set back: a new epoch has begun, and every directory is told');
      else log.warn('a new epoch has begun since the database was last looked at');
    },
    onFailure: (err) =>
      log.error({ err }, 'the database was set back, and no new epoch can be begun: no positions are given until one has'),
  });
  const onConnect = (client: PoolClient): Promise<void> => setBack.check(client);

  // Positions must go on being given while deliveries use all of their connections.
  const sequencing = createPool(config.databaseUrl, {
    max: connections.sequencing,
    applicationName: 'causeway sequencer',
    onError: onPoolError,
    onConnect,
  });
  const pool = directoryPool(
    createPool(config.databaseUrl, {
      max: connections.delivering,
      applicationName: 'causeway worker',
      onError: onPoolError,
      onConnect,
    }),
    workerRules(),
    memory,
  );
  try {
    await admitKeys(pool, keyring);
  } catch (error) {
    await Promise.all([pool.end(), sequencing.end(), givenWatch ? undefined : watch.stop()]);
    throw error;
  }
  const caches = deliveryCaches(pool, keyring);
  const metrics = new WorkerMetrics(register, () => readBacklog(pool));

  const doorbell = new Doorbell(
    await queueBackend({
      databaseUrl: config.databaseUrl,
      ...(config.redisUrl === undefined ? {} : { redisUrl: config.redisUrl }),
      onError: (err) => log.debug({ err }, 'the queue reports an error'),
    }),
    (err) => log.debug({ err }, 'the queue cannot be used'),
  );

  // Nothing of a secret is in these few fields, and to look for one by its field's name costs more than the line itself. What
  // looks like a secret is blanked here too.
  const attemptLog = log.child({}, { redact: [] });

  const poster = new Poster({ addresses: new AddressRule(config.webhookAllowedCidrs) });
  const drain = new Drain({
    pool,
    poster,
    ...caches,
    ring: (bells) => void ring(bells),
    onError: warn('deliveries', 'a delivery was broken off, and goes on when its lease has ended'),
    onNotice: (notice) => {
      tell(log, notice);
      mailNotice(pool, notice).catch(warn('notices', 'a notice about a webhook endpoint could not be mailed'));
    },
    onAttempt: (report) => {
      metrics.countAttempt(report);
      logAttempt(attemptLog, report);
    },
  });

  let reachable = true;
  const noteQueue = (): void => {
    metrics.setQueueReachable(doorbell.reachable);
    if (doorbell.reachable === reachable) return;
    reachable = doorbell.reachable;
    if (reachable) log.info('the queue can be reached again');
    else log.warn('the queue cannot be reached: deliveries go on without it');
  };
  const ring = async (bells: Bell[]): Promise<void> => {
    const others = bells.filter((bell) => !drain.take(bell));
    if (others.length === 0) return;
    const rung = await doorbell.ring(others);
    noteQueue();
    if (rung) return;
    for (const bell of others)
      if (drain.waiting < directlyAtMost) drain.answer(bell).catch(warn('deliveries', 'a delivery could not be begun'));
  };

  const notices = new FeedNotices(sequencing, warn('wakings', 'those who wait for events were not told'));
  const sequencer = new Sequencer({
    pool: sequencing,
    memory,
    onError: warn('rounds of the sequencer', 'events could not be given their positions; tried again'),
    onBatch: (batch) => {
      metrics.countBatch(batch);
      notices.tell(batch.environmentIds);
      void ring(batch.bells);
    },
  });

  const mailer =
    config.smtpUrl === undefined
      ? logMailer(({ to, subject, text }) => log.info({ to, subject, text }, 'a mail, written here since there is no mail server'))
      : smtpMailer({ url: config.smtpUrl, from: config.mailFrom });

  // Without one for today no attempt could be recorded, and so nothing acked.
  await ensurePartitions(pool).catch(warn('partitions', 'partitions could not be made; tried again in a minute'));
  metrics.setQueueReachable(true);
  doorbell.listen((bell) => drain.answer(bell));
  sequencer.start();
  const loops = startLoops(
    workerLoops({
      pool,
      log,
      retention: config.retention,
      remember: () => setBack.checkOn(sequencing),
      mailer,
      mailTimes: mail,
      upkeepAfterMs,
      sweep: async () => {
        await Promise.all([sweep(pool).then(ring), doorbell.check().then(noteQueue)]);
      },
    }),
    (err, { name, everyMs }) =>
      outages.warn(err, `rounds of ${name}`, `the loop "${name}" failed; tried again in ${everyMs / 1_000} s`, { loop: name }),
  );
  log.info({ queue: config.redisUrl === undefined ? 'postgres' : 'redis' }, 'worker started');

  return {
    queueReachable: () => doorbell.reachable,
    isSetBack: () => memory.isSetBack,
    stop: async (withinMs = 10_000) => {
      // The pools are needed for the acks of what is under way; closing them takes some of the time.
      const graceMs = Math.max(0, withinMs - 2_500);
      await Promise.all([loops.stop(graceMs), sequencer.stop(), doorbell.stopListening(), drain.stop(graceMs)]);
      mailer.close();
      await notices.stop();
      await Promise.all([doorbell.close(), poster.close()]);
      await Promise.all([pool.end(), sequencing.end(), givenWatch ? undefined : watch.stop()]);
      outages.stop();
      metrics.remove();
      log.info('worker stopped');
    },
  };
}

function logAttempt(log: Logger, report: AttemptReport): void {
  log.info(
    {
      endpoint: publicId('we', report.endpointId),
      event: publicId('evt', report.eventId),
      ...(report.directoryId === null ? {} : { directory: publicId('dir', report.directoryId) }),
      status: report.status,
      duration_ms: Math.round(report.durationMs),
      ...(report.error === null ? {} : { reason: report.error }),
      decision: report.decision,
      ...(report.retryInSeconds === undefined ? {} : { retry_in_s: Math.round(report.retryInSeconds) }),
    },
    'webhook attempt',
  );
}

/** Says what the vendor's people should hear of. */
function tell(log: Logger, notice: Notice): void {
  const { kind, endpointId, environmentId, ...facts } = notice;
  log.warn(
    { notice: kind, endpoint: publicId('we', endpointId), environment: publicId('env', environmentId), ...facts },
    'notice about a webhook endpoint',
  );
}
