/**
 * What real identity providers send that the RFCs do not have, each by its shape and never by its sender: identity providers
 * change theirs by flag and by date, and clients copy each other. A tolerance has a name, which its recordings carry
 * (`"tolerance"` in recordings/*.json), a sentence, and where it was seen.
 */
import { invalidValue } from './errors';
import type { Filter } from './filter-tree';
import { shown } from './notes';
import type { Notes } from './notes';
import { isObject } from './resource';
import type { Json, JsonObject, ResourceType } from './resource';
import type { AttributeDefinition, Schema, SchemaSet } from './schemas';

const entraDocumentation =
  'https://learn.microsoft.com/en-us/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility';
const entraReference = 'https://learn.microsoft.com/en-us/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups';
const entraAttributes = 'https://learn.microsoft.com/en-us/entra/identity/app-provisioning/customize-application-attributes';
const oktaReference = 'https://developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20';
const oktaRoles = 'https://support.okta.com/help/s/article/How-to-add-multivalue-roles-in-SCIM-Cloud-integration';
const authentikNumbers = 'https://github.com/goauthentik/authentik/issues/15533';
const laravelNumbers = 'https://github.com/limosa-io/laravel-scim-server/issues/40';
const scimSdkQuotes = 'https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/404';
const scimSdkArrays = 'https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/968';

export const tolerances = {
  boolean_as_text: {
    what: 'A boolean may be the text "true" or "false", in any case, in bodies and in filters.',
    seen: `Entra without aadOptscim062020 (${entraDocumentation}), its SCIM validator (roles[].primary), Keycloak's SCIM extension`,
  },
  number_as_text: {
    what: 'A number may be its own text: a declared extension asks for an integer where the identity provider only knows strings.',
    seen: 'Okta custom attributes of type string mapped to a numeric one',
  },
  single_value_in_array: {
    what: 'The value of a single-valued attribute may stand in an array of one.',
    seen: `Entra without aadOptscim062020: manager as [{"$ref", "value"}] (${entraDocumentation}); SCIM-SDK (${scimSdkArrays})`,
  },
  bare_reference: {
    what: 'A complex attribute that has a "value" may be that value alone: "manager": "ID".',
    seen: `Entra: Add of manager with the raw id (${entraReference})`,
  },
  bare_value: {
    what: 'A value of a multi-valued attribute may be its "value" alone: "roles": ["ADMIN"].',
    seen: `Okta’s SCIM template, whose roles are an array of strings (${oktaRoles})`,
  },
  whole_number_for_text: {
    what: 'A whole number may stand where the schema wants a string, up to 2^53, beyond which nobody can tell which one was sent.',
    seen: `Directories that count their people and send externalId as a number (${authentikNumbers}, ${laravelNumbers})`,
  },
  json_in_text: {
    what: 'A complex value may be its JSON in a string. A string that is wanted as a string stays one, JSON or not.',
    seen: `Entra app roles through an expression mapping (${entraAttributes})`,
  },
  pathless_json_in_text: {
    what: 'The value of a PATCH operation without a path may be its JSON in a string.',
    seen: `Clients built on SCIM-SDK, whose builder quotes what it is given (${scimSdkQuotes})`,
  },
  attribute_without_urn: {
    what: 'An extension’s attribute may be named without the URN, where the core schema has none of that name: "manager".',
    seen: `Entra’s reference check, filter=id eq "U" and manager eq "M", and its older PATCH path "manager" (${entraReference})`,
  },
  undeclared_extension: {
    what: 'Data under a URN that nobody declared is kept as sent; the attribute is what stands behind the last colon, wherever the URN has its version. It is changed and found as a core attribute of the kind that what is stored, what is sent and …:User: or …:Group: before its name say.',
    seen: `Entra custom attributes, which Entra does not list in schemas either (${entraAttributes})`,
  },
  keys_are_paths: {
    what: 'A member’s name in a value without a path, or in a whole resource, may be a path: "name.givenName", "urn:…:User:department", "emails[type eq \\"work\\"].value".',
    seen: `Entra with aadOptscim062020 (${entraDocumentation})`,
  },
  read_only_in_value: {
    what: 'id, meta, schemas and groups in a PATCH value without a path are ignored, as in a PUT; named by a path they are refused.',
    seen: `Okta’s group rename, {"id", "displayName"} (${oktaReference}); authentik’s whole group`,
  },
  unknown_in_body: {
    what: 'A core attribute that no schema has is ignored in a body, and noted; in a path it is refused.',
    seen: 'Okta’s urn:okta attributes, Entra and OneLogin templates with mistyped targets',
  },
  schemas_missing_or_foreign: {
    what: 'A body needs no schemas, and may list URNs that nobody knows, SCIM 1.1’s among them.',
    seen: 'scimgateway and WSO2 (none), Entra groups (http://schemas.microsoft.com/…/ADSCIM/2.0/Group), OneLogin (urn:scim:schemas:core:1.0, https://developers.onelogin.com/scim/define-user-schema)',
  },
  empty_is_unassigned: {
    what: 'null and "" clear an attribute, whether they are replaced or added; a reference whose value is "" goes as a whole.',
    seen: `Entra’s null updates and manager {"value": ""} (${entraReference}); OneLogin’s nulls; scimgateway’s null arrays`,
  },
  active_not_cleared: {
    what: 'active stays as it is where null or nothing is sent for it, and where it is removed: a default would bring back somebody who was fired, and its absence lock somebody out.',
    seen: 'Okta PUT without active; Entra’s null update of every mapped attribute',
  },
  created_by_value_path: {
    what: 'add with a path such as emails[type eq "work"].value makes the value where there is none yet; replace does where the filter asks for a canonical type or for primary.',
    seen: `Entra, Add and Replace (${entraDocumentation}); its SCIM validator (roles[primary eq "True"].value)`,
  },
  value_path_with_sub_attribute_in_filter: {
    what: 'A filter may say emails[type eq "work"].value eq "x", which only paths may by the grammar.',
    seen: `Entra and Okta, as the filter that matches a user (${entraReference})`,
  },
  remove_named_values: {
    what: 'remove with a path and a value removes only those values. By the letter of the RFC it would remove them all: the whole group.',
    seen: `Entra without aadOptscim062020: {"op": "Remove", "path": "members", "value": [{"value": "ID"}]} (${entraDocumentation}); authentik; JumpCloud`,
  },
  bare_member: {
    what: 'A member may be its id alone: "members": ["ID"].',
    seen: `Microsoft’s SCIM reference code and samples (${entraReference})`,
  },
  password_not_kept: {
    what: 'A password is accepted, so that the request is, and not kept.',
    seen: `Okta sends one with every user it creates (${oktaReference})`,
  },
  list_as_text: {
    what: 'attributes and excludedAttributes of a search request may be one string with commas.',
    seen: 'clients that build the body from the query string',
  },
} as const satisfies Record<string, { what: string; seen: string }>;

export type Tolerance = keyof typeof tolerances;

/** boolean_as_text; what is neither stays the text that it is. */
export function booleanFromText(text: string, name?: string, notes?: Notes): boolean | string {
  const lower = text.toLowerCase();
  if (lower !== 'true' && lower !== 'false') return text;
  if (name !== undefined) notes?.add(`read ${shown(name)} "${text}" as ${lower}`);
  return lower === 'true';
}

/** number_as_text; what is none stays the text that it is. */
export function numberFromText(text: string, name: string, notes: Notes): number | string {
  if (!/^-?\d{1,15}(\.\d{1,15})?$/.test(text)) return text;
  notes.add(`read ${shown(name)} "${text}" as a number`);
  return Number(text);
}

/** single_value_in_array */
export function onlyElement(values: readonly unknown[], name: string, notes: Notes): unknown {
  if (values.length > 1) throw invalidValue(`${shown(name)} has one value, and ${values.length} were sent.`);
  if (values.length === 1) notes.add(`took ${shown(name)} out of an array`);
  return values[0];
}

/** bare_reference and bare_value; where the attribute has no "value" the text stays what it is. */
export function bareValue(text: string, definition: AttributeDefinition, name: string, notes: Notes): JsonObject | string {
  if (!definition.subAttributesByName.has('value')) return text;
  notes.add(`read the text of ${shown(name)} as its value`);
  return { value: text };
}

/** whole_number_for_text; what is no such number stays what it is. */
export function textFromNumber(value: unknown, name: string, notes: Notes): unknown {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return value;
  notes.add(`read the number of ${shown(name)} as text`);
  return String(value);
}

/** json_in_text and pathless_json_in_text; what is no object or array stays the text that it is. */
export function jsonFromText(text: string, name: string, notes: Notes): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    const value: unknown = JSON.parse(text);
    notes.add(`read the text of ${shown(name)} as JSON`);
    return value;
  } catch {
    return text;
  }
}

/** attribute_without_urn: the extension that has it. */
export function extensionWithAttribute(name: string, type: ResourceType, schemas: SchemaSet): Schema | undefined {
  const head = name.split('.', 1)[0]?.toLowerCase() ?? '';
  for (const extension of schemas.extensions[type].values()) if (extension.attributesByName.has(head)) return extension;
  return undefined;
}

/** remove_named_values: whether a value is one of those that a remove names. Named by its "value", its "type" counts where it was sent. */
export function isNamedValue(value: Json, named: readonly Json[]): boolean {
  return named.some((name) => {
    const wanted = isObject(name) ? name['value'] : name;
    if (wanted === undefined) return false;
    if (!isObject(value)) return isSameValue(value, wanted);
    const { value: content } = value;
    const isThat = content !== undefined && isSameValue(content, wanted);
    return isThat && (!isObject(name) || name['type'] === undefined || name['type'] === value['type']);
  });
}

/** whole_number_for_text, and the other way round: 5 names "5". */
function isSameValue(value: Json, wanted: Json): boolean {
  const plain = (one: Json): Json => (typeof one === 'number' ? String(one) : one);
  return plain(value) === plain(wanted);
}

/** What RFC 7643 §8.7.1 has for labels of addresses, telephone numbers and photos: of what nobody declared nobody said which there are. */
export const canonicalTypes: readonly string[] = ['work', 'home', 'other', 'mobile', 'fax', 'pager', 'photo', 'thumbnail'];

/**
 * created_by_value_path: the value that a PATCH makes where its filter chose none; undefined: it makes none, and RFC 7644
 * §3.5.2.3's noTarget is right.
 *
 * Entra replaces what is not there yet, but only by canonical types and by primary; conformance suites replace what cannot
 * be there, as in emails[type eq "nonexistent"], and want the refusal.
 */
export function valueMadeByFilter(filter: Filter, op: 'add' | 'replace', attribute: AttributeDefinition): JsonObject | undefined {
  const conditions = filter.kind === 'and' ? filter.filters : [filter];
  const made: JsonObject = {};
  for (const condition of conditions) {
    if (condition.kind !== 'comparison' || condition.operator !== 'eq' || condition.attribute.keys.length !== 1) return undefined;
    const { name } = condition.attribute.attribute;
    if (Object.hasOwn(made, name)) return undefined;
    made[name] = condition.sent;
  }
  if (op === 'add') return made;
  const [only, second] = Object.entries(made);
  if (!only || second) return undefined;
  const [name, value] = only;
  if (name.toLowerCase() === 'primary')
    return value === true || (typeof value === 'string' && booleanFromText(value) === true) ? made : undefined;
  const canonical = name.toLowerCase() === 'type' ? attribute.subAttributesByName.get('type')?.canonicalValues : undefined;
  return typeof value === 'string' && canonical?.some((known) => known.toLowerCase() === value.toLowerCase()) ? made : undefined;
}
