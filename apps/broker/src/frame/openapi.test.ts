import { Ajv2020 } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { aBroker } from '../a-broker';
import { problems } from './errors';
import { openApiDocument } from './openapi';
import { routes } from '../api/routes';

// Through JSON: that is what is served.
const document = JSON.parse(JSON.stringify(openApiDocument(routes, { publicUrl: 'http://causeway.test', version: '1.2.3' })));

test('every route is in the document, and nothing else', () => {
  const described = Object.entries<object>(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  );
  expect(described.sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort());
});

test('every $ref leads somewhere, and every component is used', () => {
  const refs = new Set<string>();
  visit(document, (node) => {
    if (typeof node.$ref === 'string') refs.add(node.$ref);
  });
  for (const ref of refs) expect([ref, at(ref)]).toEqual([ref, expect.anything()]);
  const components = Object.entries<object>(document.components)
    .filter(([kind]) => kind !== 'securitySchemes')
    .flatMap(([kind, named]) => Object.keys(named).map((name) => `#/components/${kind}/${name}`));
  expect([...refs].sort()).toEqual(components.sort());
});

test('every schema is one, in the dialect of OpenAPI 3.1', () => {
  const ajv = addFormats(new Ajv2020({ strict: true, allowUnionTypes: true }));
  ajv.addVocabulary(['paths', 'components', 'openapi', 'info', 'servers', 'tags', 'security', 'webhooks', 'discriminator']);
  ajv.addSchema({ ...document, $id: 'openapi' });
  visit(document, (node) => {
    if (typeof node.schema !== 'object' || node.schema === null) return;
    const schema = JSON.parse(JSON.stringify(node.schema).replaceAll('"$ref":"#', '"$ref":"openapi#'));
    expect(() => ajv.compile(schema)).not.toThrow();
  });
});

test('operations have names of their own, a summary, and every parameter of their path', () => {
  const names = routes.map(({ operationId }) => operationId);
  expect(new Set(names).size).toBe(names.length);
  for (const route of routes) {
    const operation = document.paths[route.path][route.method];
    expect([route.operationId, operation.summary]).toEqual([route.operationId, expect.stringMatching(/^[A-Z].*[^.]$/)]);
    const inPath = operation.parameters.filter((one: { in?: string }) => one.in === 'path').map(({ name }: { name: string }) => name);
    expect(inPath).toEqual([...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    expect(document.tags.map(({ name }: { name: string }) => name)).toContain(route.tag);
  }
});

test('every POST takes an Idempotency-Key, and every body that asks for something has an example that fits it', () => {
  const ajv = addFormats(new Ajv2020({ strict: false }));
  for (const route of routes) {
    const { parameters } = document.paths[route.path][route.method];
    const takesKey = parameters.some((one: { $ref?: string }) => one.$ref === '#/components/parameters/IdempotencyKey');
    expect([route.operationId, takesKey]).toEqual([route.operationId, route.method === 'post']);
    if (!route.body) continue;
    const { examples = [] } = route.body;
    if (!route.bodyOptional) expect([route.operationId, examples.length]).toEqual([route.operationId, 1]);
    for (const example of examples)
      expect([route.operationId, ajv.validate(route.body, example), ajv.errorsText()]).toEqual([route.operationId, true, 'No errors']);
  }
});

test('it is served to whoever asks, and so are the pages, which load nothing from elsewhere', async () => {
  const broker = await aBroker();
  const served = await broker.call('GET', '/v1/openapi.json', { key: null });
  expect([served.status, served.headers.get('content-type'), served.body.openapi]).toEqual([200, 'application/json', '3.1.0']);

  const page = await broker.call('GET', '/docs', { key: null });
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self';");
  const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? '');
  expect(links.length).toBeGreaterThan(4);
  expect(page.text).not.toMatch(/<script>|<style>|\son\w+=|style="/);
  for (const link of links) {
    expect(link).toMatch(/^\//);
    const { status } = await broker.call('GET', link, { key: null });
    expect([link, status]).toEqual([link, 200]);
  }
  const errors = await broker.call('GET', '/docs/errors', { key: null });
  for (const code of Object.keys(problems)) expect(errors.text).toContain(`<section id="${code}">`);
  expect((await broker.call('GET', '/docs/ui/package.json', { key: null })).status).toBe(404);
});

test('the shapes have examples that fit them', () => {
  const ajv = addFormats(new Ajv2020({ strict: false }));
  ajv.addSchema({ ...document, $id: 'openapi' });
  for (const [name, schema] of Object.entries<{ examples?: object[] }>(document.components.schemas)) {
    const validate = ajv.compile({ $ref: `openapi#/components/schemas/${name}` });
    expect([name, schema.examples?.length]).toEqual([name, 1]);
    expect([name, validate(schema.examples?.[0]), validate.errors]).toEqual([name, true, null]);
  }
});

function visit(node: unknown, look: (node: Record<string, unknown>) => void): void {
  if (typeof node !== 'object' || node === null) return;
  look(node as Record<string, unknown>);
  for (const inner of Object.values(node)) visit(inner, look);
}

function at(ref: string): unknown {
  return ref
    .slice(2)
    .split('/')
    .reduce<unknown>(
      (node, step) => (node as Record<string, unknown> | undefined)?.[step.replaceAll('~1', '/').replaceAll('~0', '~')],
      document,
    );
}
