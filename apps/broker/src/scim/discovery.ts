import type { ScimDirectory } from '#directory';
import { listCursorSeconds } from '#directory';
import {
  type AuthenticationScheme,
  listResponse,
  type QueryParameters,
  refuseDiscoveryFilter,
  resourceType,
  resourceTypes,
  schemaDocument,
  schemaDocuments,
  ScimError,
  serviceProviderConfig,
} from '#scim';
import type { Answer } from './exchange';
import { limits } from './limits';

const bearerScheme: AuthenticationScheme = {
  type: 'oauthbearertoken',
  name: 'Bearer token',
  description: 'A secret token of this directory, in the Authorization header (RFC 6750)',
  specUri: 'https://www.rfc-editor.org/info/rfc6750',
  primary: true,
};

const basicScheme: AuthenticationScheme = {
  type: 'httpbasic',
  name: 'HTTP Basic',
  description: "The directory's id as user name, its secret token as password (RFC 7617)",
  specUri: 'https://www.rfc-editor.org/info/rfc7617',
};

/** The discovery endpoints (RFC 7644 §4); `undefined` for what they do not know. */
export function discover(path: string[], query: QueryParameters, directory: ScimDirectory, baseUrl: string): Answer | undefined {
  const [endpoint, name] = path;
  switch (endpoint?.toLowerCase()) {
    case 'serviceproviderconfig':
      refuseDiscoveryFilter(query);
      return name !== undefined
        ? undefined
        : {
            status: 200,
            body: serviceProviderConfig({
              baseUrl,
              documentationUri: new URL('/docs/limits', baseUrl).href,
              limits: { ...limits, cursorTimeoutSeconds: listCursorSeconds },
              authenticationSchemes: directory.basicAuth ? [bearerScheme, basicScheme] : [bearerScheme],
            }),
          };
    case 'resourcetypes': {
      refuseDiscoveryFilter(query);
      if (name === undefined) return whole(resourceTypes(baseUrl, directory.schemas));
      const one = resourceType(name, baseUrl, directory.schemas);
      if (!one) throw new ScimError(404, undefined, `There is no resource type ${JSON.stringify(name)}; there are User and Group.`);
      return { status: 200, body: one };
    }
    case 'schemas': {
      refuseDiscoveryFilter(query);
      if (name === undefined) return whole(schemaDocuments(baseUrl, directory.schemas));
      const one = schemaDocument(name, baseUrl, directory.schemas);
      if (!one)
        throw new ScimError(404, undefined, `There is no schema ${JSON.stringify(name)} here; GET /Schemas lists those that there are.`);
      return { status: 200, body: one };
    }
    default:
      return undefined;
  }
}

function whole(documents: Parameters<typeof listResponse>[0]): Answer {
  return { status: 200, body: listResponse(documents, { totalResults: documents.length, startIndex: 1 }) };
}
