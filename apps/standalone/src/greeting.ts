import type { Welcome } from '../../broker/src/broker';

/**
 * What `npm start` prints once it is ready: where everything is; who signs in, and how they get back in; until they have been seen the
 * console's first password and the API key; and a command that works when pasted.
 */
export function greeting({ publicUrl, bootstrap, firstMember, signIns }: Welcome & { publicUrl: string }): string {
  const lines = [
    '',
    'Causeway is ready.',
    '',
    `  Console    ${publicUrl}/`,
    `  API        ${publicUrl}/v1`,
    `  Reference  ${publicUrl}/docs`,
  ];
  const [first] = signIns.emails;
  if (first !== undefined) lines.push(`  Sign in    ${signIns.emails.join(', ')}${signIns.more > 0 ? ` and ${signIns.more} more` : ''}`);
  if (firstMember)
    lines.push(`  Password   ${firstMember.password}`, '             shown this once: change it in the console, under your account');
  if (first !== undefined) lines.push(`  Forgotten  npm run reset-password -- ${first}`);
  if (!bootstrap) {
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
