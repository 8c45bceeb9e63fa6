import type { ListedRequest } from '../broker/answers';
import { shortId } from './words';

/** A path with its filter as it was meant. */
export function readable(path: string): string {
  try {
    return decodeURIComponent(path.replaceAll('+', ' '));
  } catch {
    return path;
  }
}

/** Whom a request is about, why it was refused, or what it looked for. */
export function aboutOf({ subject, detail, path }: ListedRequest): string {
  return subject ?? detail ?? /[?&]filter=([^&]*)/.exec(readable(path))?.[1] ?? '';
}

/** Method and path in one line of a list: long ids are cut in their middle. */
export function PathText({ request }: { request: Pick<ListedRequest, 'method' | 'path'> }) {
  const path = readable(request.path);
  return (
    <span className="mono" title={`${request.method} ${path}`}>
      <b>{request.method}</b> {path.replace(/\b(usr|grp)_[0-9a-f]{32}\b/g, shortId)}
    </span>
  );
}
