import { type QueryKey, useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { call, type CallOptions, query as queryString } from './call';
import { useHere } from './session';
import type { Page } from './answers';

type Parameters = Record<string, string | number | boolean | null | undefined>;

/** One answer of the vendor's API. */
export function useApi<T>(path: string, o: { parameters?: Parameters; everyMs?: number | false; enabled?: boolean } = {}) {
  const { api } = useHere();
  return useAnswer<T>(api(`${path}${queryString(o.parameters ?? {})}`), o);
}

/** One answer of the console's own paths. */
export function useOwn<T>(path: string, o: { parameters?: Parameters; everyMs?: number | false; enabled?: boolean } = {}) {
  const { own } = useHere();
  return useAnswer<T>(own(`${path}${queryString(o.parameters ?? {})}`), o);
}

function useAnswer<T>(url: string, { everyMs = false, enabled = true }: { everyMs?: number | false; enabled?: boolean }) {
  return useQuery({
    queryKey: keyOf(url),
    queryFn: ({ signal }) => call<T>(url, { signal }),
    refetchInterval: everyMs,
    enabled,
  });
}

/** A list of the vendor's API, page by page. */
export function useApiList<T>(path: string, parameters: Parameters = {}, o: { limit?: number; everyMs?: number | false } = {}) {
  const { api } = useHere();
  return useList<T>(api(path), parameters, o);
}

/** A list of the console's own, page by page. */
export function useOwnList<T>(path: string, parameters: Parameters = {}, o: { limit?: number; everyMs?: number | false } = {}) {
  const { own } = useHere();
  return useList<T>(own(path), parameters, o);
}

function useList<T>(url: string, parameters: Parameters, { limit = 50, everyMs = false }: { limit?: number; everyMs?: number | false }) {
  return useInfiniteQuery({
    queryKey: [...keyOf(url), parameters],
    queryFn: ({ pageParam, signal }) => call<Page<T>>(`${url}${queryString({ ...parameters, limit, cursor: pageParam })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: everyMs,
  });
}

/** All of a list that is short by its nature, up to a thousand. */
export function useApiWhole<T>(path: string, o: { everyMs?: number | false; enabled?: boolean } = {}) {
  const { api } = useHere();
  const url = api(path);
  return useQuery({
    queryKey: [...keyOf(url), 'whole'],
    queryFn: async ({ signal }) => (await call<Page<T>>(`${url}${url.includes('?') ? '&' : '?'}limit=1000`, { signal })).data,
    refetchInterval: o.everyMs ?? false,
    enabled: o.enabled ?? true,
  });
}

/** A write to the vendor's API; afterwards whatever shows the environment is fetched anew. */
export function useWrite<T = unknown, V = void>(
  request: (input: V) => { path: string } & Pick<CallOptions, 'method' | 'body'>,
  onSuccess?: (answer: T, input: V) => void,
) {
  const { api } = useHere();
  return useWriteTo<T, V>((input) => {
    const { path, ...options } = request(input);
    return { url: api(path), ...options };
  }, onSuccess);
}

/** The same, to the console's own paths. */
export function useOwnWrite<T = unknown, V = void>(
  request: (input: V) => { path: string } & Pick<CallOptions, 'method' | 'body'>,
  onSuccess?: (answer: T, input: V) => void,
) {
  const { own } = useHere();
  return useWriteTo<T, V>((input) => {
    const { path, ...options } = request(input);
    return { url: own(path), ...options };
  }, onSuccess);
}

function useWriteTo<T, V>(
  request: (input: V) => { url: string } & Pick<CallOptions, 'method' | 'body'>,
  onSuccess?: (answer: T, input: V) => void,
) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (input: V) => {
      const { url, ...options } = request(input);
      return call<T>(url, { method: 'POST', ...options });
    },
    onSuccess: async (answer: T, input: V) => {
      onSuccess?.(answer, input);
      await queries.invalidateQueries({ queryKey: ['broker'] });
    },
  });
}

function keyOf(url: string): QueryKey {
  return ['broker', url];
}
