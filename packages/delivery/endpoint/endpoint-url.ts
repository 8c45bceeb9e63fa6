import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { AddressRule } from './addresses';
import { InvalidEndpointUrl } from './endpoint';

const longestUrl = 2_048;

/**
 * The URL in its canonical form, if webhooks can be sent to it. Of https what its name resolves to is looked at for each connection
 * alone; of http now as well, since only what the operator allows is spoken to without TLS, and the vendor should hear so at once.
 *
 * @throws InvalidEndpointUrl
 */
export async function checkUrl(text: string, allowedCidrs: readonly string[]): Promise<string> {
  const refuse = (reason: string): never => {
    throw new InvalidEndpointUrl(text, reason);
  };
  const url = URL.canParse(text) ? new URL(text) : refuse('it is not a URL such as https://example.com/webhooks');
  if (url.href.length > longestUrl) refuse(`it is longer than ${longestUrl} characters`);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') refuse('it must begin with https://');
  if (url.username !== '' || url.password !== '')
    refuse('a user name and password in it are not sent; put an Authorization header into "headers"');
  if (url.hash !== '') refuse('what comes after # is not sent');

  const rule = new AddressRule(allowedCidrs);
  // 0177.0.0.1, 2130706433 and the like are 127.0.0.1 by now.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const verdict = isIP(host) === 0 ? undefined : rule.verdict(host);
  if (verdict === 'forbidden') refuse('its address is not public');
  if (url.protocol === 'http:' && (verdict === undefined ? !(await allowsName(rule, host)) : verdict !== 'allowed'))
    refuse('it must begin with https://, since http is for addresses in WEBHOOK_ALLOWED_CIDRS alone');
  return url.href;
}

async function allowsName(rule: AddressRule, host: string): Promise<boolean> {
  if (!rule.allowsAny) return false; // nobody need be asked
  const addresses = await lookup(host, { all: true }).catch(() => []);
  return addresses.length > 0 && addresses.every(({ address }) => rule.verdict(address) === 'allowed');
}
