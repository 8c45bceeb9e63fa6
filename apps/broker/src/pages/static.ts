import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Request, type Response, Router } from 'express';

interface Asset {
  type: string;
  bytes: Buffer;
  /** Made when it is first asked for. */
  gzipped?: Promise<Buffer>;
}

/** The pages as vite built them, held in memory: some 2 MB, and no file is opened at a request's wish. */
export interface Pages {
  console: string;
  setup: string;
  /** By path, such as `/assets/index-3f2a.js`. */
  assets: Map<string, Asset>;
}

const types: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.ico': 'image/x-icon',
};

/** Reads the built pages; `undefined` where they have not been built. */
export async function readPages(folder = pagesFolder()): Promise<Pages | undefined> {
  if (folder === undefined) return undefined;
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const assets = new Map<string, Asset>();
  for (const file of files) {
    const type = types[path.extname(file.name)];
    if (!file.isFile() || !type) continue;
    const full = path.join(file.parentPath, file.name);
    assets.set(`/${path.relative(folder, full).split(path.sep).join('/')}`, { type, bytes: await readFile(full) });
  }
  return {
    console: await readFile(path.join(folder, 'index.html'), 'utf8'),
    setup: await readFile(path.join(folder, 'setup.html'), 'utf8'),
    assets,
  };
}

/**
 * Serves the two pages: the setup page below /setup, and the console at every other path that a browser opens to look at, since
 * which of them exist is for the console's own router to say. Other callers fall through.
 */
export function pagesRouter(pages: Pages | undefined): Router {
  const router = Router({ caseSensitive: true });

  router.get('/{*path}', async (req, res, next) => {
    const asset = pages?.assets.get(req.path);
    if (asset) return sendAsset(req, res, asset);
    if (req.path !== '/' && !req.get('accept')?.includes('text/html')) return next();
    res.locals.door = 'pages';
    res.locals.decision = 'page';
    if (!pages) {
      res.status(503).type('text').send('The pages have not been built. Run "npm run build" and start again.\n');
      return;
    }
    sendPage(res, /^\/setup(\/|$)/.test(req.path) ? pages.setup : pages.console);
  });
  return router;
}

// The placeholder stands in the pages where the nonce belongs: vite's `html.cspNonce`.
const noncePlaceholder = '{{csp-nonce}}';

/** Scripts and styles come from our own files, and from nowhere else; the nonce is for the style elements that the components write. */
function sendPage(res: Response, html: string): void {
  const nonce = randomBytes(16).toString('base64');
  res.setHeader(
    'Content-Security-Policy',
    [
      "default-src 'none'",
      "script-src 'self'",
      `style-src 'self' 'nonce-${nonce}'`,
      "img-src 'self' data: blob:",
      "font-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
  );
  res.setHeader('Permissions-Policy', 'camera=(), geolocation=(), microphone=()');
  res.setHeader('Cache-Control', 'no-store'); // the nonce is good for once
  res.setHeader('Content-Type', 'text/html; charset=utf-8');
  res.end(html.replaceAll(noncePlaceholder, nonce));
}

async function sendAsset(req: Request, res: Response, asset: Asset): Promise<void> {
  res.locals.door = 'pages';
  res.locals.decision = 'asset';
  res.setHeader('Content-Type', asset.type);
  // What lies in assets/ has its content's hash in its name.
  res.setHeader('Cache-Control', req.path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'public, max-age=3600');
  res.setHeader('Vary', 'Accept-Encoding');
  const compressible = !asset.type.startsWith('image/png') && !asset.type.startsWith('font/');
  if (compressible && /\bgzip\b/.test(req.get('accept-encoding') ?? '')) {
    asset.gzipped ??= promisify(gzip)(asset.bytes, { level: 9 });
    res.setHeader('Content-Encoding', 'gzip');
    res.end(await asset.gzipped);
  } else {
    res.end(asset.bytes);
  }
}

/** The project's dist/console, from this file's place in the source tree or in dist/. */
function pagesFolder(): string | undefined {
  return ['../../../../dist/console', '../../../../console']
    .map((up) => path.join(__dirname, up))
    .find((folder) => existsSync(path.join(folder, 'index.html')));
}
