import { Router } from 'express';
import swaggerUi from 'swagger-ui-express';
import { bounds } from '#bounds';
import { filterLimits, maxAttributeChanges, maxValues } from '#scim';
import { problems } from './frame/errors';
import { deepestBody } from './scim/json-depth';
import { limits } from './scim/limits';

// The pages run scripts and take styles from their own files alone; nothing in them comes from elsewhere.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * The reference of the API, for people: /docs, what each error code means: /docs/errors, and how much an identity provider may send:
 * /docs/limits. To be mounted at /docs.
 */
export function docsRouter(): Router {
  const router = Router({ caseSensitive: true });
  router.use((_req, res, next) => {
    res.setHeader('Content-Security-Policy', policy);
    next();
  });
  router.get('/', (_req, res) => void res.type('html').send(referencePage));
  router.get('/errors', (_req, res) => void res.type('html').send(errorsPage));
  router.get('/limits', (_req, res) => void res.type('html').send(limitsPage));
  router.get('/start.js', (_req, res) => void res.type('js').send(startScript));
  router.get('/pages.css', (_req, res) => void res.type('css').send(styles));
  // Swagger UI's own files, and no page of its own among them.
  router.use('/ui', ...swaggerUi.serveWithOptions({ index: false, maxAge: '1h' }));
  return router;
}

const referencePage = page(
  'API reference',
  `
  <link rel="stylesheet" href="/docs/ui/swagger-ui.css">
  <link rel="icon" type="image/png" href="/docs/ui/favicon-32x32.png">`,
  `
  <main id="reference"><noscript>This page needs JavaScript. The same as a document: <a href="/v1/openapi.json">/v1/openapi.json</a>.</noscript></main>
  <script src="/docs/ui/swagger-ui-bundle.js"></script>
  <script src="/docs/start.js"></script>`,
);

const startScript = `SwaggerUIBundle({
  url: '/v1/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  validatorUrl: null,
});
`;

const errorsPage = page(
  'Errors',
  '',
  `
  <main class="errors">
    <h1>Errors</h1>
    <p>An error is <code>application/problem+json</code> (<a href="https://www.rfc-editor.org/rfc/rfc9457">RFC 9457</a>). Its <code>code</code> is one of these.</p>
    ${sectionsOf((problem) => !('ofPages' in problem))}
    <h2>On our own pages</h2>
    <p>What the console and the setup page may be told besides.</p>
    ${sectionsOf((problem) => 'ofPages' in problem)}
  </main>`,
);

function sectionsOf(which: (problem: object) => boolean): string {
  return Object.entries(problems)
    .filter(([, problem]) => which(problem))
    .map(
      ([code, { status, title, meaning }]) => `<section id="${code}">
      <h2><code>${code}</code></h2>
      <p>${status}. ${title}.</p>
      <p>${inHtml(meaning)}</p>
    </section>`,
    )
    .join('\n    ');
}

const limitsPage = page(
  'Limits',
  '',
  `
  <main class="errors">
    <h1>How much an identity provider may send</h1>
    <p>What <code>documentationUri</code> of the ServiceProviderConfig names. Whatever is beyond is refused with a SCIM error that says so.</p>
    <dl>
      ${[
        ['One value of an attribute', `${inUnits(bounds.textBytes)} of text: 400 <code>invalidValue</code>, naming the attribute.`],
        [
          'A photo as data URI',
          `${inUnits(bounds.photoBytes)}: 400 <code>invalidValue</code>. A photo that is named by its URL is a value like others.`,
        ],
        [
          'A user, or a group without its members',
          `${inUnits(bounds.resourceBytes)} as JSON: 400 <code>invalidValue</code>, naming the largest attribute.`,
        ],
        [
          'What is too large already',
          'What only takes away, and a change of <code>active</code>, is never refused for size; an enlargement is.',
        ],
        ['The body of a request about a user', `${inUnits(bounds.userBodyBytes)}: 413.`],
        [
          'Any other body',
          `${inUnits(bounds.bodyBytes)}: 413. Nested ${deepestBody} deep at most. Members of a group have no other limit.`,
        ],
        ['A bulk request', `${limits.bulkMaxOperations} operations and ${inUnits(limits.bulkMaxPayloadBytes)}: 413.`],
        ['A PATCH', `${maxAttributeChanges} changes of attributes: 413.`],
        ['Values of one attribute', `${maxValues}: 400 <code>invalidValue</code>.`],
        [
          'A filter',
          `${filterLimits.bytes} bytes, ${filterLimits.depth} deep, ${filterLimits.terms} comparisons: 400 <code>invalidFilter</code>.`,
        ],
        [
          'A page of a list',
          `${limits.maxPageSize} resources, and ${inUnits(bounds.pageBytes)} of users or groups: then it ends before its count.`,
        ],
      ]
        .map(([what, most]) => `<dt>${what}</dt><dd>${most}</dd>`)
        .join('\n      ')}
    </dl>
  </main>`,
);

/** `65536`: "64 KiB (65,536 bytes)". */
function inUnits(bytes: number): string {
  const [amount, unit] = bytes % 1024 ** 2 === 0 ? [bytes / 1024 ** 2, 'MiB'] : [bytes / 1024, 'KiB'];
  return `${amount} ${unit} (${bytes.toLocaleString('en')} bytes)`;
}

const styles = `body { margin: 0; background: #fff; color: #1b1b1f; font: 16px/1.5 system-ui, sans-serif; }
.errors { max-width: 44rem; margin: 0 auto; padding: 2rem 1rem; }
.errors h2 { margin: 2rem 0 0; font-size: 1.1rem; }
.errors p { margin: 0.25rem 0; }
.errors section:target { outline: 2px solid #3b5bdb; outline-offset: 0.5rem; }
code { font-family: ui-monospace, monospace; }
`;

function page(title: string, head: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${title} · Causeway</title>
  <link rel="stylesheet" href="/docs/pages.css">${head}
</head>
<body>${body}
</body>
</html>
`;
}

function inHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/`([^`]*)`/g, '<code>$1</code>');
}
