import { rm } from 'node:fs/promises';
import './global-setup';

/** Ends what the global setup started, and removes its folder. */
export default async function globalTeardown(): Promise<void> {
  const servers = globalThis.causewayTestServers;
  if (!servers) return;
  await Promise.all([servers.postgres.stop(), servers.redis?.stop()]);
  await rm(servers.folder, { recursive: true, force: true });
}
