export const providers = ['entra', 'okta', 'jumpcloud', 'onelogin', 'google', 'ping', 'generic'] as const;
export type Provider = (typeof providers)[number];

/** A directory as an event tells of it: as the API shows it, but for what depends on the installation or the hour. */
export interface DirectoryJson {
  id: string;
  organization_id: string;
  organization_external_id: string | null;
  name: string;
  provider: Provider;
  state: 'pending' | 'active' | 'disabled';
  created_at: string;
  updated_at: string;
}
