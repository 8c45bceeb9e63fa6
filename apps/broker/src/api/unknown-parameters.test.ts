import { newId, publicId } from '#identifier';
import { aBroker, type TestBroker } from '../a-broker';
import { routes } from './routes';

let broker: TestBroker;
beforeAll(async () => {
  broker = await aBroker({ operatorApiKey: 'an-operator-of-this' });
});

const call = (route: (typeof routes)[number], query: string) =>
  broker.call(
    route.method.toUpperCase(),
    `${route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const prefix = route.params[name];
      return prefix ? publicId(prefix, newId()) : String(route.names[name]?.examples?.[0]);
    })}?${query}`,
    {
      ...(route.caller === 'operator' && { key: broker.config.operatorApiKey ?? '' }),
      ...(route.body && { body: route.body.examples?.[0] ?? {} }),
    },
  );

test.each(routes.map((route) => [route.method.toUpperCase(), route.path, route] as const))(
  '%s %s refuses a parameter that it does not know, and names it',
  async (_method, _path, route) => {
    const answer = await call(route, 'attributes.plan=x&limits=5');
    expect([answer.status, answer.body?.code, answer.body?.errors]).toEqual([
      400,
      'unknown_parameter',
      ['attributes.plan', 'limits'].map((parameter) => ({ parameter, detail: expect.stringContaining('is not known') })),
    ]);
    for (const name of Object.keys(route.query)) expect(answer.body.detail).toContain(name);
  },
);

test('no name is too odd to be named, and a key that was put into the address is not', async () => {
  for (const name of ['__proto__', 'constructor', 'limit ', 'LIMIT', '']) {
    const answer = await broker.call('GET', `/v1/organizations?${new URLSearchParams({ [name]: 'x' }).toString()}`);
    expect([name, answer.status, answer.body.errors[0].parameter]).toEqual([name, 400, name]);
  }
  expect((await broker.call('GET', `/v1/organizations?${broker.apiKey}=x`)).text).not.toContain(broker.apiKey);
});
