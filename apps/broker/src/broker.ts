import { Client, type PoolClient } from 'pg';
import { register } from 'prom-client';
import type { Router } from 'express';
import Redis from 'ioredis';
import { type Bootstrapped, bootstrap, ensureFirstMember, showFirstSecrets, type SignIns, whoSignsIn } from '#accounts';
import { Hashing, Keyring, Passwords } from '#credential';
import { listenToFeed } from '#delivery';
import { directoryPool, type LogMemory, SetBackWatch } from '#directory';
import { Lookups } from '#postgres';
import { newId, publicId, tellTimeBy } from '#identifier';
import { admitKeys, KeyRefused, watchName } from '#keys';
import { logMailer, type Mail, type Mailer, smtpMailer } from '#notify';
import {
  type Config,
  type DatabaseWatch,
  type Logger,
  checkDatabase,
  clientConfig,
  createPool,
  ensurePartitionsWith,
  listen,
  OutageLog,
  watchDatabase,
} from '#runtime';
import { createApp } from './app';
import { AskedTogether } from './asked-together';
import { brokerCaches } from './caches';
import { FeedWatch } from './api/feed-watch';
import { forgetOldAnswers } from './frame/idempotency';
import { consentFor } from './consent';
import { SignInAttempts } from './console/attempts';
import { SessionCookie } from './console/session-cookie';
import { FailedAttempts } from './guards/failed-attempts';
import { Readiness } from './health';
import { HttpMetrics } from './frame/metrics';
import { refuseLargeHead } from './large-head';
import { readPages } from './pages/static';
import { oauthRouter } from './oauth/router';
import { Places } from './guards/places';
import { RecentUses } from './guards/recent-uses';
import { RequestRate } from './guards/request-rate';
import { RecentRequests } from './scim/recent-requests';
import { scimRouter } from './scim/router';
import { setupLinkRouter } from './setup/link';
import { SetupSessions } from './setup/session';

export interface Broker {
  /** Where it listens, such as `http://127.0.0.1:8080`. */
  url: string;
  /** Whether the database is as new as this build needs: until then the doors to the data are closed. */
  isOpen(): boolean;
  /** Set where this start made the first environment. `apiKey` is there only where nobody chose it. */
  bootstrap?: PublicBootstrap;
  /**
   * Hands over what whoever started this should see, the secrets of the first start among them until they have been shown once: they
   * are forgotten when `show` is done, and are there at the next start where it fails. To be called once the doors are open.
   */
  welcome(show: (welcome: Welcome) => Promise<void>): Promise<void>;
  /** Takes no new work, ends what is under way, and cuts off what has not ended after `withinMs`. */
  stop(withinMs?: number): Promise<void>;
}

export interface PublicBootstrap {
  /** `env_…` */
  environmentId: string;
  apiKey?: string;
}

/** What whoever started a broker should see. */
export interface Welcome {
  /** The first environment's key, where nobody chose it and nobody has seen it. */
  bootstrap?: Required<PublicBootstrap>;
  /** The first member's password, likewise. */
  firstMember?: { email: string; password: string };
  /** Who can sign in to the console. */
  signIns: SignIns;
}

const stopsWithinMs = 10_000;
/** Of that, what is kept for writing down what was counted and for giving back connections. */
const closingMs = 1_500;
const connectionsAtMost = 20;
const hourMs = 3_600_000;

/**
 * Starts the HTTP side: SCIM, the vendor's API, its reference, and what operators look at.
 *
 * The database must answer, but its schema may still be older than this build needs: then /readyz says so, the doors to the data
 * answer 503, and they open by themselves once it has been migrated. `onLateOpening` is told then.
 *
 * @throws DatabaseUnusable, KeyRefused, CannotListen: each with one sentence for whoever started the process.
 */
export async function startBroker(o: {
  config: Config;
  log: Logger;
  /** Of this process, where there is one; otherwise it makes its own. */
  watch?: DatabaseWatch;
  onLateOpening?: () => void;
  /** Told where the key turns out not to be the database's only after the database has been migrated: the process must end. */
  onRefused?: (refusal: KeyRefused) => void;
}): Promise<Broker> {
  const { config, log } = o;
  await checkDatabase(config.databaseUrl);
  const hashing = new Hashing();
  const keyring = new Keyring(config.encryptionKey, config.previousEncryptionKeys);
  const watch =
    o.watch ?? (await watchDatabase({ databaseUrl: config.databaseUrl, log, registry: register, applicationName: watchName(keyring) }));
  tellTimeBy(watch.now);

  const outages: OutageLog = new OutageLog(log, () => pool);
  const onError = (err: Error): void => outages.connectionBroke(err);
  const { tokens, rules, totals, usedAttributes, memory } = brokerCaches(keyring, hashing);
  const setBack = setBackWatch(memory, log);
  const onConnect = (client: PoolClient): Promise<void> => setBack.check(client);
  const pool = directoryPool(
    createPool(config.databaseUrl, { max: connectionsAtMost, applicationName: 'causeway broker', onError, onConnect }),
    rules,
    memory,
  );
  const metrics = new HttpMetrics();
  const readiness = new Readiness(pool, watch, config.redisUrl, memory);
  const feed = new FeedWatch(pool);
  const recentRequests = new RecentRequests(pool, log, outages, usedAttributes);
  const recentUses = new RecentUses(pool, outages);
  const redis = config.redisUrl === undefined ? undefined : countsInRedis(config.redisUrl);
  const failedAttempts = new FailedAttempts(redis);
  const rate = new RequestRate({ name: 'scim_rate', perSecond: config.scimRateLimit, redis });
  const scim: Router = scimRouter({
    pool,
    lookups: new Lookups(pool),
    totals,
    keyring,
    tokens,
    schemas: rules.schemas,
    recentRequests,
    recentUses,
    failedAttempts,
    rate,
    publicUrl: config.publicUrl,
  });
  const setupSessions = new SetupSessions(pool, keyring, config.publicUrl);
  const oauth = oauthRouter({
    pool,
    keyring,
    failedAttempts,
    recentUses,
    rate,
    publicUrl: config.publicUrl,
    consenterOf: consentFor({ pool, setupSessions, consoleCookie: new SessionCookie(config.publicUrl) }),
  });
  const setupLinks = setupLinkRouter({ pool, sessions: setupSessions, failedAttempts });

  // Whoever operates a broker without a mail server finds the link in its log, and hands it on.
  const mailer =
    config.smtpUrl === undefined
      ? logMailer(({ to, subject, text }) => log.warn({ to, subject, text }, 'a mail, written here since there is no mail server'))
      : smtpMailer({ url: config.smtpUrl, from: config.mailFrom });

  let isOpen = false;
  const openDoors = async (): Promise<PublicBootstrap | undefined> => {
    if (!(await readiness.look()).ready) return undefined;
    await admitKeys(pool, keyring);
    const made = publicBootstrap(await bootstrap(pool, keyring, { apiKey: config.bootstrapApiKey }));
    if (config.bootstrapAdminEmail !== undefined) {
      await ensureFirstMember(pool, { email: config.bootstrapAdminEmail, password: config.bootstrapAdminPassword, keyring });
    }
    isOpen = true;
    return made;
  };

  const app = createApp({
    api: {
      pool,
      keyring,
      tokens,
      feed,
      pages: new AskedTogether(),
      liveKeys: new AskedTogether(),
      waiting: new Places(),
      publicUrl: config.publicUrl,
      webhookAllowedCidrs: config.webhookAllowedCidrs,
    },
    apiRate: new RequestRate({ name: 'api_rate', perSecond: config.apiRateLimit, redis }),
    setupSessions,
    console: {
      attempts: new SignInAttempts(),
      passwords: new Passwords(hashing),
      signUp: config.signUp,
      sendMail: (mail) => send(mailer, mail, log),
      mailReaches: config.smtpUrl !== undefined,
    },
    pages: await readPages(),
    scim,
    oauth,
    setupLinks,
    log,
    outages,
    metrics,
    readiness,
    isOpen: () => isOpen && !memory.isSetBack,
    operatorApiKey: config.operatorApiKey,
    metricsToken: config.metricsToken,
    trustedProxies: config.trustedProxies,
    version: '0.1.0',
  });

  let made: PublicBootstrap | undefined;
  let listening: Awaited<ReturnType<typeof listen>> | undefined;
  try {
    // First, so that nothing is made, and no secret lost, by a start that cannot be.
    listening = await listen(app, {
      host: config.host,
      port: config.port,
      onError: (err) => log.warn({ err }, 'a connection could not be taken'),
      tooLarge: refuseLargeHead(config.publicUrl),
    });
    made = await openDoors();
  } catch (error) {
    await listening?.close(0);
    await Promise.all([pool.end(), o.watch ? undefined : watch.stop()]);
    throw error;
  }
  if (!isOpen) log.warn({ readiness: (await readiness.look()).parts }, 'the database is not up to date: run the migrations');

  const listener = listenToFeed(
    () => connectAlone(config.databaseUrl),
    (environmentId) => feed.heard(environmentId),
  );
  const opening = repeat(
    1_000,
    async () => {
      if (isOpen) return opening.stop();
      await openDoors().catch((error: unknown) => {
        if (!(error instanceof KeyRefused)) throw error;
        opening.stop();
        o.onRefused?.(error);
      });
      if (!isOpen) return;
      log.info('the database is up to date now');
      o.onLateOpening?.();
    },
    outages,
  );
  const remembering = repeat(1_000, () => setBack.checkOn(pool), outages);
  const forgetting = repeat(
    hourMs,
    async () => {
      if (isOpen) await forgetOldAnswers(pool);
    },
    outages,
  );

  return {
    url: listening.url,
    isOpen: () => isOpen,
    ...(made && { bootstrap: made }),
    welcome: (show) =>
      showFirstSecrets(pool, keyring, async ({ environment, member }) =>
        show({
          ...(environment && { bootstrap: { environmentId: publicId('env', environment.id), apiKey: environment.apiKey } }),
          ...(member && { firstMember: member }),
          signIns: await whoSignsIn(pool),
        }),
      ),
    stop: async (withinMs = stopsWithinMs) => {
      opening.stop();
      forgetting.stop();
      remembering.stop();
      // Those who wait are answered at once; then what is under way ends, and only then what it works with.
      await feed.stop();
      await listening.close(Math.max(withinMs / 2, withinMs - closingMs));
      mailer.close();
      await listener.stop();
      await recentRequests.stop();
      await recentUses.stop();
      outages.stop();
      redis?.disconnect();
      await Promise.all([pool.end(), o.watch ? undefined : watch.stop()]);
    },
  };
}

function setBackWatch(memory: LogMemory, log: Logger): SetBackWatch {
  return new SetBackWatch(memory, {
    prepare: async (client) => void (await ensurePartitionsWith(client)),
    onNewEpoch: (begun) => {
      if (begun) log.error(begun, 'the database was set back: a new epoch has begun, and every directory is told');
      else log.warn('a new epoch has begun since the database was last looked at');
    },
    onFailure: (err) => log.error({ err }, 'the database was set back, and no new epoch can be begun: nothing is answered until one has'),
  });
}

/**
 * Sends a mail with a link in it: at once, and from here, since a link that is waiting in a table is a secret in the clear. Nobody
 * waits for it: how long it takes would tell whether an address is known.
 */
function send(mailer: Mailer, mail: Omit<Mail, 'id'>, log: Logger): void {
  const { to, subject } = mail;
  void mailer.send({ id: newId(), ...mail }).then((sent) => {
    if (sent.kind !== 'sent')
      log.error({ to, subject, reason: sent.reason }, 'a mail could not be sent; whoever asked for it can ask again');
  });
}

function publicBootstrap(made: Bootstrapped | undefined): PublicBootstrap | undefined {
  return made && { ...made, environmentId: publicId('env', made.environmentId) };
}

/** For counts that brokers share. Whoever asks it must not wait: what this process has counted itself will do instead. */
function countsInRedis(redisUrl: string): Redis {
  const redis = new Redis(redisUrl, {
    connectTimeout: 5_000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 100,
    retryStrategy: (times) => Math.min(times * 200, 2_000),
  });
  redis.on('error', () => {}); // /readyz tells of it
  return redis;
}

/** A connection outside the pool: one that listens is lent out for ever. */
async function connectAlone(databaseUrl: string): Promise<Client> {
  const client = new Client(clientConfig(databaseUrl, { applicationName: 'causeway broker listening' }));
  client.on('error', () => {}); // whoever listens hears it too, and connects again
  await client.connect();
  return client;
}

function repeat(everyMs: number, work: () => Promise<void>, outages: OutageLog): { stop: () => void } {
  let underWay = false;
  const timer = setInterval(() => {
    if (underWay) return;
    underWay = true;
    work()
      .catch((err: unknown) => outages.warn(err, 'background work', 'background work failed, and is tried again'))
      .finally(() => {
        underWay = false;
      });
  }, everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
