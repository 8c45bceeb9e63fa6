/**
 * What `npm start` prints once it is ready: where everything is; at the very first start the console's first password and the
 * API key, this once; and a command that works when pasted.
 */
export function greeting({
  publicUrl,
  bootstrap,
  firstMember,
}: {
  publicUrl: string;
  bootstrap?: { environmentId: string; apiKey?: string };
  firstMember?: { email: string; password?: string };
}): string {
  const lines = [
    '',
    'Causeway is ready.',
    '',
    `  Console    ${publicUrl}/`,
    `  API        ${publicUrl}/v1`,
    `  Reference  ${publicUrl}/docs`,
  ];
  if (firstMember?.password !== undefined) {
    lines.push(
      `  Sign in    ${firstMember.email}`,
      `  Password   ${firstMember.password}`,
      '             shown this once: change it in the console, under your account',
    );
  }
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
