/** What is asked, in the shape in which Entra sends it. The same bytes go to everybody. */
export interface ScimRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  body?: object;
}

/** A user with what Entra sends by its default mapping. */
export function userBody(name: string, title = 'Engineer'): object {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
    externalId: `${name}-id`,
    userName: `${name}@acme.com`,
    active: true,
    displayName: `${name} Person`,
    title,
    preferredLanguage: 'en-US',
    name: { givenName: name, familyName: 'Person', formatted: `${name} Person` },
    emails: [{ type: 'work', primary: true, value: `${name}@acme.com` }],
    phoneNumbers: [
      { type: 'work', value: '+1 555 0100' },
      { type: 'mobile', value: '+1 555 0101' },
    ],
    addresses: [
      { type: 'work', streetAddress: '1 Main Street', locality: 'Springfield', region: 'IL', postalCode: '62701', country: 'US' },
    ],
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Engineering', employeeNumber: '1' },
  };
}

export function titleChange(title: string): object {
  return { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [{ op: 'Replace', path: 'title', value: title }] };
}

export function groupBody(displayName: string): object {
  return { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], externalId: displayName, displayName, members: [] };
}

export function putGroupBody(displayName: string, members: string[]): object {
  return { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName, members: members.map((value) => ({ value })) };
}

export function memberChange(op: 'Add' | 'Remove', ...members: string[]): object {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op, path: 'members', value: members.map((value) => ({ value })) }],
  };
}

export function match(userName: string): string {
  return `/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}`;
}
