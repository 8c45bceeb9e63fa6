import type { TSchema } from '@sinclair/typebox';
import { openApiDocument } from './openapi';

/**
 * The OpenAPI document as tests hold answers against it: an object has the fields that are described, and no others. What clients
 * read leaves that open, since fields may be added; a field that we add and do not describe is a mistake.
 */
export function aClosedDocument(routes: Parameters<typeof openApiDocument>[0]): Record<string, unknown> {
  const document = openApiDocument(routes, { publicUrl: 'http://causeway.test', version: 'test' });
  return Object.fromEntries(Object.entries(document).map(([name, part]) => [name, closed(part)]));
}

/** The same of one schema. */
export function aClosedSchema(schema: TSchema): object {
  return { $defs: { whole: closed(schema) }, $ref: '#/$defs/whole' };
}

/** `isPart`: of an `allOf`, which has the fields of its other parts as well. */
function closed(node: unknown, isPart = false): unknown {
  if (Array.isArray(node)) return node.map((element: unknown) => closed(element));
  if (typeof node !== 'object' || node === null) return node;
  const inner = Object.entries(node).map(([key, value]: [string, unknown]): [string, unknown] => {
    if (key === 'examples' || key === 'example') return [key, value];
    return [key, key === 'allOf' && Array.isArray(value) ? value.map((part: unknown) => closed(part, true)) : closed(value)];
  });
  const isOpen = 'additionalProperties' in node || isPart || !(describesFields(node) || 'allOf' in node);
  return { ...Object.fromEntries(inner), ...(!isOpen && { unevaluatedProperties: false }) };
}

/** A schema of an object; and not the fields of one of which one is called `properties`. */
function describesFields(node: object): boolean {
  return 'properties' in node && 'type' in node && (node.type === 'object' || (Array.isArray(node.type) && node.type.includes('object')));
}
