/** Polis: its library behind the thinnest express there can be, which hands SCIM requests on as Polis' own routes do. */
import type { AddressInfo } from 'node:net';
import { controllers, type DirectorySyncRequest } from '@boxyhq/saml-jackson';
import express from 'express';

console.warn = () => {}; // it says with each event that there is no webhook

async function main(): Promise<void> {
  const { directorySyncController } = await controllers({
    externalUrl: 'http://127.0.0.1',
    samlPath: '/api/oauth/saml',
    noAnalytics: true,
    // As many connections as the others have. Polis' own default is 10.
    db: { engine: 'sql', type: 'postgres', url: `${process.env.DATABASE_URL}&pool_max_conns=20`, ttl: 300, cleanupLimit: 1_000 },
    logger: { info: () => {}, warn: () => {}, error: console.error },
  });
  const directories: { id: string; token: string }[] = [];
  for (let i = 0; i < Number(process.env.DIRECTORIES ?? 1); i += 1) {
    const { data } = await directorySyncController.directories.create({
      name: `Acme ${i}`,
      tenant: `acme-${i}`,
      product: 'bench',
      type: 'azure-scim-v2',
    });
    if (!data) throw new Error('Polis made no directory');
    directories.push({ id: data.id, token: data.scim.secret });
  }

  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.use(express.json({ type: () => true, limit: '16mb' }));
  app.all('/:directory/:type{/:id}', async (req, res) => {
    const { directory, type, id } = req.params;
    const { count, startIndex, filter } = req.query;
    const request: DirectorySyncRequest = {
      method: req.method as DirectorySyncRequest['method'],
      body: req.body,
      directoryId: directory,
      resourceType: type === 'Users' ? 'users' : 'groups',
      resourceId: id,
      apiSecret: req.headers.authorization?.slice('Bearer '.length) ?? null,
      query: {
        ...(count !== undefined && { count: Number(count) }),
        ...(startIndex !== undefined && { startIndex: Number(startIndex) }),
        ...(typeof filter === 'string' && { filter }),
      },
    };
    const { status, data } = await directorySyncController.requests.handle(request);
    res.status(status).json(data);
  });
  const server = app.listen(0, '127.0.0.1', () => {
    console.log(JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, directories }));
  });
}

void main();
