/**
 * What `npm start` prints once it is ready: where everything is; at the very first start the API key, this once; and a
 * command that works when pasted.
 */
export function greeting({ publicUrl, bootstrap }: { publicUrl: string; bootstrap?: { environmentId: string; apiKey?: string } }): string {
  const lines = ['', 'Causeway is ready.', '', `  Console    ${publicUrl}/`, `  API        ${publicUrl}/v1`, `  Reference  ${publicUrl}/docs`];
  if (bootstrap?.apiKey === undefined) {
    // Without the key, which is shown once, there is nothing of the API to try.
    lines.push('', 'Try it:', '', `  curl -sS ${publicUrl}/readyz`);
  } else {
    lines.push(
      `  API key    ${bootstrap.apiKey}`,
      `             of the environment ${bootstrap.environmentId}; shown this once, so keep it`,
      '',
      'Try it:',
      '',
      `  curl -sS ${publicUrl}/v1/organizations \\`,
      `    -H 'Authorization: Bearer ${bootstrap.apiKey}' \\`,
      `    -H 'Content-Type: application/json' \\`,
      `    -d '{"name": "Acme"}'`,
    );
  }
  return [...lines, '', ''].join('\n');
}
