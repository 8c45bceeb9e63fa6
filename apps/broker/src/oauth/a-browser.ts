import type { TestBroker } from '../a-broker';

/** A page, or a redirect, that a browser got. */
export interface Page {
  status: number;
  headers: Headers;
  text: string;
  /** Where it leads to, if it does. */
  location: string | undefined;
}

/** Somebody's browser: keeps cookies, follows nothing by itself, sends the forms that it is shown. */
export class ABrowser {
  readonly cookies = new Map<string, string>();

  constructor(readonly broker: TestBroker) {}

  /** `address` as people see it, with the public origin, or a path. */
  async open(address: string): Promise<Page> {
    return this.#send(address, {});
  }

  /** Presses a button of a page's form. `changed` replaces fields, as somebody with a console could. */
  async press(page: Page, button: { name: string; value: string }, changed: Record<string, string> = {}): Promise<Page> {
    const action = /<form method="post" action="([^"]+)"/.exec(page.text)?.[1] ?? '/no-form';
    const fields = [...page.text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(([, name = '', value = '']) => [
      name,
      unescape(value),
    ]);
    return this.#send(action, {
      method: 'POST',
      body: new URLSearchParams({ ...Object.fromEntries(fields), ...changed, [button.name]: button.value }),
    });
  }

  async #send(address: string, init: RequestInit): Promise<Page> {
    const url = new URL(address.replace(this.broker.config.publicUrl, ''), this.broker.url);
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: cookie === '' ? {} : { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.cookies.set(name, value);
    }
    return {
      status: response.status,
      headers: response.headers,
      text: await response.text(),
      location: response.headers.get('location') ?? undefined,
    };
  }
}

export const allow = { name: 'decision', value: 'allow' };
export const decline = { name: 'decision', value: 'decline' };

function unescape(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
