import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Two pages, the vendor's console and the IT admin's setup page, that share most of their code. The broker serves what is built. */
export default defineConfig({
  root: here('.'),
  // The broker puts a new one in at every request (apps/broker/src/pages/static.ts).
  html: { cspNonce: '{{csp-nonce}}' },
  build: {
    outDir: here('../../dist/console'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      input: { console: here('index.html'), setup: here('setup.html') },
      // "use client" speaks to servers that render; there is none.
      onLog: (level, log, proceed) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') proceed(level, log);
      },
    },
  },
  server: {
    // `npm start` beside it.
    proxy: { '^/(console/api|setup/api|scim|v1|docs)': { target: 'http://127.0.0.1:8080' } },
  },
});
