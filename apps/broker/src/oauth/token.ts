import OAuth2Server from '@node-oauth/oauth2-server';
import type { Pool } from 'pg';
import type { Keyring } from '#credential';
import {
  accessTokenSeconds,
  type CallingClient,
  issueAccessToken,
  issueGrantTokens,
  refreshGrant,
  takeAuthorizationCode,
} from '#directory';
import { publicId } from '#identifier';
import { causeOf, isOAuthErrorCode, OAuthRefusal } from './errors';

/** What a token request came to: the answer's body (RFC 6749 §5.1), or a grant that ended because somebody used its code or token twice. */
export type TokenOutcome = { kind: 'given'; body: object } | { kind: 'refused'; refusal: OAuthRefusal; reused: boolean };

const grantsOf: Record<CallingClient['grantType'], string[]> = {
  client_credentials: ['client_credentials'],
  authorization_code: ['authorization_code', 'refresh_token'],
};

/** Answers a token request of a client that has proved who it is. */
export async function giveToken(
  o: { pool: Pool; keyring: Keyring },
  client: CallingClient,
  form: ReadonlyMap<string, string>,
): Promise<TokenOutcome> {
  const grantType = form.get('grant_type');
  // The library knows the password grant too, and would call it another client's.
  if (grantType !== undefined && !Object.values(grantsOf).flat().includes(grantType)) {
    return { kind: 'refused', refusal: new OAuthRefusal('unsupported_grant_type'), reused: false };
  }
  const model = new TokenModel(o.pool, o.keyring, client, form);
  const server = new OAuth2Server({ model, accessTokenLifetime: accessTokenSeconds, alwaysIssueNewRefreshToken: true });
  const response = new OAuth2Server.Response();
  try {
    await server.token(requestOf(client, form), response);
  } catch (error) {
    return { kind: 'refused', refusal: refusalOf(error), reused: model.reused };
  }
  // The library counts what is left of the hour by the time that it answers: Entra asks for no less than an hour.
  return { kind: 'given', body: { ...response.body, expires_in: accessTokenSeconds } };
}

/**
 * The request as the library is to see it: the client in the form, however it proved itself, and no scope. A token opens its
 * directory, whole, so whatever scope is asked for says nothing, and RFC 6749 §3.3 lets a server ignore it.
 */
function requestOf(client: CallingClient, form: ReadonlyMap<string, string>): OAuth2Server.Request {
  const body = new Map([...form, ['client_id', publicId('oac', client.id)], ['client_secret', 'proved']]);
  body.delete('scope');
  return new OAuth2Server.Request({
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '1' },
    query: {},
    body: Object.fromEntries(body),
  });
}

type Presented = { kind: 'client' } | { kind: 'code'; grantId: string } | { kind: 'refresh_token'; token: string };

/**
 * What the library asks for, of one request of one client. Each grant is one conditional statement in `directory`, run where the
 * library would save: what it would rather do in steps (find, revoke, save) could be done by two requests at once.
 */
class TokenModel implements OAuth2Server.RefreshTokenModel, OAuth2Server.ClientCredentialsModel {
  /** Whether a code or refresh token came for the second time, and so ended its grant. */
  reused = false;
  #presented: Presented = { kind: 'client' };

  constructor(
    private readonly pool: Pool,
    private readonly keyring: Keyring,
    private readonly caller: CallingClient,
    private readonly form: ReadonlyMap<string, string>,
  ) {}

  get #client(): OAuth2Server.Client {
    return { id: this.caller.id, grants: grantsOf[this.caller.grantType] };
  }

  // It has proved who it is before it came here.
  async getClient(): Promise<OAuth2Server.Client> {
    return this.#client;
  }

  async getUserFromClient(): Promise<OAuth2Server.User> {
    return {};
  }

  async getAuthorizationCode(code: string): Promise<OAuth2Server.AuthorizationCode | undefined> {
    const taken = await takeAuthorizationCode(this.pool, this.keyring, this.caller, code);
    if (taken.kind === 'reused') this.reused = true;
    if (taken.kind !== 'good') return undefined;
    // §4.1.3: the same address as in the request for the code, where that named one.
    const named = this.form.get('redirect_uri');
    if (taken.redirectUri === null ? named !== undefined && !this.caller.redirectUris.includes(named) : named !== taken.redirectUri)
      return undefined;
    this.#presented = { kind: 'code', grantId: taken.grantId };
    return {
      authorizationCode: code,
      expiresAt: new Date(Date.now() + 60_000), // looked at when it was taken
      redirectUri: '', // likewise
      client: this.#client,
      user: {},
      ...(taken.codeChallenge !== null && { codeChallenge: taken.codeChallenge, codeChallengeMethod: 'S256' }),
    };
  }

  // Taking it used it up. It is not the last of it: its PKCE verifier is checked next.
  async revokeAuthorizationCode(): Promise<boolean> {
    return true;
  }

  async getRefreshToken(token: string): Promise<OAuth2Server.RefreshToken> {
    this.#presented = { kind: 'refresh_token', token };
    return { refreshToken: token, client: this.#client, user: {} };
  }

  async revokeToken(): Promise<boolean> {
    return true;
  }

  // Tokens are made where their hashes are kept; these are never seen.
  async generateAccessToken(): Promise<string> {
    return 'unused';
  }

  async generateRefreshToken(): Promise<string> {
    return 'unused';
  }

  async saveToken(): Promise<OAuth2Server.Token> {
    const given = await this.#give();
    if (!given) throw new OAuth2Server.InvalidGrantError('ended');
    return {
      ...given,
      accessTokenExpiresAt: new Date(Date.now() + accessTokenSeconds * 1_000),
      client: this.#client,
      user: {},
    };
  }

  async #give(): Promise<{ accessToken: string; refreshToken?: string } | undefined> {
    const { pool, keyring, caller } = this;
    switch (this.#presented.kind) {
      case 'client': {
        const accessToken = await issueAccessToken(pool, keyring, caller);
        return accessToken === undefined ? undefined : { accessToken };
      }
      case 'code':
        return issueGrantTokens(pool, keyring, caller, this.#presented.grantId);
      case 'refresh_token': {
        const refreshed = await refreshGrant(pool, keyring, caller, this.#presented.token);
        if (refreshed.kind === 'reused') this.reused = true;
        return refreshed.kind === 'good' ? { accessToken: refreshed.accessToken, refreshToken: refreshed.refreshToken } : undefined;
      }
    }
  }

  // Access tokens are looked at by the SCIM door, not by the library.
  async getAccessToken(): Promise<undefined> {
    return undefined;
  }
}

/** The library's refusal in words for an IT admin. What is no refusal goes on to the error edge. */
function refusalOf(error: unknown): OAuthRefusal {
  if (error instanceof OAuth2Server.ServerError) throw causeOf(error);
  if (!(error instanceof OAuth2Server.OAuthError) || !isOAuthErrorCode(error.name)) throw error;
  // What is missing is worth saying: "Missing parameter: `code`".
  if (error.name === 'invalid_request') return new OAuthRefusal('invalid_request', error.message.replaceAll('`', "'"));
  return new OAuthRefusal(error.name);
}
