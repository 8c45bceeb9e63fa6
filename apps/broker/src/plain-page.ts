import { createHash } from 'node:crypto';
import type { Response } from 'express';

/** Text that is HTML already. Only `html` makes it, so whatever else goes into a page is escaped. */
export class Html {
  constructor(readonly text: string) {}
}

/** HTML with its values escaped, for text and for quoted attributes. Values that are Html, or lists of it, go in as they are. */
export function html(parts: TemplateStringsArray, ...values: (string | Html | readonly Html[])[]): Html {
  return new Html(parts.reduce((text, part, i) => text + inside(values[i - 1] ?? '') + part));
}

function inside(value: string | Html | readonly Html[]): string {
  if (typeof value === 'string') {
    return value
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;');
  }
  return value instanceof Html ? value.text : value.map(inside).join('');
}

/** A small page of its own: no script, nothing from elsewhere, and nobody may frame it. */
export interface PlainPage {
  status: number;
  title: string;
  body: Html;
  /** Another origin that a form of the page may lead to, by way of our answer to it: browsers hold redirects to form-action too. */
  formLeadsTo?: string;
}

export function sendPlainPage(res: Response, { status, title, body, formLeadsTo }: PlainPage): void {
  const page = html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${title}</title>
  <style>${new Html(styles)}</style>
</head>
<body>
  <main>
    <h1>${title}</h1>
    ${body}
  </main>
</body>
</html>
`;
  res.status(status);
  res.setHeader(
    'Content-Security-Policy',
    [
      "default-src 'none'",
      `style-src 'sha256-${createHash('sha256').update(styles).digest('base64')}'`,
      `form-action 'self'${formLeadsTo === undefined ? '' : ` ${formLeadsTo}`}`,
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
  );
  if (status === 503) res.setHeader('Retry-After', '5');
  res.setHeader('Content-Type', 'text/html; charset=utf-8');
  res.setHeader('Cache-Control', 'no-store');
  res.end(page.text);
}

const styles = `
    body { margin: 0; background: #f6f6f8; color: #1b1b1f; font: 1rem/1.55 system-ui, sans-serif; }
    main { max-width: 34rem; margin: 8vh auto; padding: 2rem; background: #fff; border: 1px solid #d8d8de; border-radius: 0.5rem; }
    h1 { margin: 0 0 1rem; font-size: 1.35rem; line-height: 1.3; }
    p, ul { margin: 0 0 1rem; }
    strong { overflow-wrap: anywhere; }
    form { display: flex; flex-wrap: wrap; gap: 0.75rem; margin-top: 1.5rem; }
    button { padding: 0.6rem 1.25rem; border: 1px solid #3b3b44; border-radius: 0.35rem; background: #fff; color: #1b1b1f; font: inherit; cursor: pointer; }
    button.main { border-color: #2747c7; background: #2747c7; color: #fff; }
    button:focus-visible { outline: 3px solid #8aa0ff; outline-offset: 2px; }
    @media (prefers-color-scheme: dark) {
      body { background: #17171b; color: #ececf1; }
      main { background: #222228; border-color: #3b3b44; }
      button { border-color: #8a8a96; background: #222228; color: #ececf1; }
    }
  `;
