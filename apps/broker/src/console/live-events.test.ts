import { rewindFeeds } from '#directory';
import { eventually } from '#testing';
import { aBroker, type TestBroker, type TestDirectory } from '../a-broker';
import { AMember } from './a-member';

const first = { email: 'ada@example.com', password: 'correct horse battery' };

let broker: TestBroker;
let member: AMember;
let directory: TestDirectory;
beforeAll(async () => {
  broker = await aBroker({ bootstrapAdminEmail: first.email, bootstrapAdminPassword: first.password });
  broker.sequence();
  member = await new AMember(broker).signIn(first.email, first.password);
  directory = await broker.aDirectory();
});

let users = 0;
const aUser = async (): Promise<string> => {
  const { body } = await directory.idp.post('/Users', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: `user-${++users}`,
  });
  return (body as { id: string }).id;
};
/** The end of the log, once everything that was written has its position there. */
const theEnd = (): Promise<number> =>
  eventually(async () => {
    const { rows } = await broker.db.pool.query<{ written: string }>('select count(*) as written from events');
    const { head } = (await member.call('GET', `/environments/${broker.environmentId}/events?limit=1`)).body;
    return head === Number(rows[0]?.written) && head;
  });

interface Sent {
  id: number;
  type: string;
  subject: string;
}

/** Reads a stream until `count` events have come, then leaves. */
async function follow(query: string, count: number, headers: Record<string, string> = {}): Promise<Sent[]> {
  const left = new AbortController();
  const response = await fetch(`${broker.url}/console/api/environments/${broker.environmentId}/events/live?${query}`, {
    headers: { cookie: member.cookie ?? '', ...headers },
    signal: left.signal,
  });
  expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([
    200,
    'text/event-stream',
    'no-store',
  ]);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const sent: Sent[] = [];
  let text = '';
  while (sent.length < count) {
    const chunk = await reader?.read();
    if (!chunk || chunk.done) break;
    const blocks = (text + chunk.value).split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, id, data] = /^id: (\d+)\ndata: (.+)$/s.exec(block) ?? [];
      if (data === undefined) continue;
      const event = JSON.parse(data);
      sent.push({ id: Number(id), type: event.type, subject: event.data.user?.id });
    }
  }
  left.abort();
  return sent;
}

test('what is committed while somebody looks is sent to them, and whoever was cut off goes on where they were', async () => {
  await aUser();
  const after = await theEnd();
  const following = follow(`after=${after}`, 2);
  const [one, two] = [await aUser(), await aUser()];
  const sent = await following;
  expect(sent).toEqual([
    { id: after + 1, type: 'user.created', subject: one },
    { id: after + 2, type: 'user.created', subject: two },
  ]);
  // The address is the same as it was: the browser's own header counts.
  expect(await follow(`after=${after}`, 1, { 'last-event-id': String(sent[0]?.id) })).toEqual([sent[1]]);
});

test('one user is followed past all the others', async () => {
  const user = await aUser();
  const after = await theEnd();
  const following = follow(`after=${after}&subject=${user}`, 1);
  await aUser();
  await directory.idp.patch(`/Users/${user}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', path: 'title', value: 'Engineer' }],
  });
  expect(await following).toMatchObject([{ type: 'user.updated', subject: user }]);
});

test('where the log was set back, what has taken the place of what was seen is sent', async () => {
  await aUser();
  const after = await theEnd();
  // Somebody who has seen more than there is goes on at the end.
  const following = follow(`after=${after + 10}`, 2);
  await rewindFeeds(broker.db.pool);
  await aUser();
  expect((await following).map(({ id, type }) => [id, type])).toEqual([
    [after + 1, 'feed.rewound'],
    [after + 2, 'user.created'],
  ]);
});

test('whoever is signed out, or asks for nonsense, is refused as anywhere else', async () => {
  const path = `/environments/${broker.environmentId}/events/live`;
  expect((await new AMember(broker).call('GET', path)).body.code).toBe('signed_out');
  expect((await member.call('GET', `${path}?after=x`)).body.code).toBe('invalid_request');
});
