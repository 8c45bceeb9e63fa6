import { Type } from '@sinclair/typebox';
import { grantTypes } from '#directory';
import { Time, nullable, publicIdOf, word } from '../frame/shapes';
import { DirectoryHealth, Provider } from '../pages/shapes';

// What the IT admin's setup page is answered, as schemas. The page takes its types from here.

/** The directory as its IT admin needs to know it. */
export const SetupDirectory = Type.Object({
  id: publicIdOf('dir', 'the directory'),
  name: Type.String(),
  provider: Provider,
  state: word(['pending', 'active', 'disabled']),
  basic_auth: Type.Boolean(),
  base_url: Type.String(),
  token_url: Type.String(),
  authorization_url: Type.String(),
  has_bearer_token: Type.Boolean(),
  last_request_at: nullable(Time),
});

/** What the vendor makes something of, beyond the usual: so that it is mapped, and holds what it may. */
export const WantedAttribute = Type.Object({
  name: Type.String(),
  path: Type.String(),
  required: Type.Boolean(),
  allowed_values: nullable(
    Type.Array(Type.Unsafe<string | number>({ type: ['string', 'number'] }), { description: 'null: whatever is sent' }),
  ),
});

export const SetupSession = Type.Object({
  directory: SetupDirectory,
  organization_name: Type.String(),
  attributes: Type.Array(WantedAttribute),
  vendor: Type.Object({
    name: Type.String(),
    color: nullable(Type.String()),
    has_logo: Type.Boolean(),
    support_email: nullable(Type.String()),
  }),
  expires_at: Time,
});

/** Somebody whom the identity provider has sent. */
export const Arrival = Type.Object({ user_name: Type.String(), display_name: nullable(Type.String()), at: Time });

/** How far the connection is. */
export const Progress = Type.Object({
  directory: SetupDirectory,
  health: DirectoryHealth,
  first: nullable(Arrival),
  newest: Type.Array(Arrival, { description: 'The newest first' }),
});

export const SetupBearerToken = Type.Object({
  id: publicIdOf('tok', 'a bearer token'),
  name: nullable(Type.String()),
  created_at: Time,
  expires_at: nullable(Time),
  last_used_at: nullable(Time),
});

const client = {
  id: publicIdOf('oac', 'an OAuth client'),
  client_id: Type.String(),
  grant_type: word(grantTypes),
  redirect_uris: Type.Array(Type.String()),
  token_url: Type.String(),
  authorization_url: Type.Optional(Type.String()),
  created_at: Time,
  last_used_at: nullable(Time),
};

export const SetupOAuthClient = Type.Object(client);

export const IssuedSetupOAuthClient = Type.Object({ ...client, client_secret: Type.String() });

export const SetupCredentials = Type.Object({
  bearer_tokens: Type.Array(SetupBearerToken),
  oauth_clients: Type.Array(SetupOAuthClient),
});

export const IssuedSetupToken = Type.Object({ token: Type.String() });
export const IssuedSetupSecret = Type.Object({ client_secret: Type.String() });
