import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext } from 'react';
import { call, type CallOptions, query as queryString } from '../broker/call';
import type { Page, SetupSession } from '../broker/answers';

const key = (path: string): string[] => ['setup', path];

export function useSetupAnswer<T>(path: string, everyMs: number | false = false) {
  return useQuery({ queryKey: key(path), queryFn: ({ signal }) => call<T>(`/setup/api${path}`, { signal }), refetchInterval: everyMs });
}

export function useSetupList<T>(path: string, parameters: Record<string, string>, everyMs: number | false = false) {
  return useInfiniteQuery({
    queryKey: [...key(path), parameters],
    queryFn: ({ pageParam, signal }) =>
      call<Page<T>>(`/setup/api${path}${queryString({ ...parameters, limit: 50, cursor: pageParam })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: everyMs,
  });
}

export function useSetupWrite<T = unknown, V = void>(
  request: (input: V) => { path: string } & Pick<CallOptions, 'method' | 'body'>,
  onSuccess?: (answer: T, input: V) => void,
) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (input: V) => {
      const { path, ...options } = request(input);
      return call<T>(`/setup/api${path}`, { method: 'POST', ...options });
    },
    onSuccess: async (answer: T, input: V) => {
      onSuccess?.(answer, input);
      await queries.invalidateQueries({ queryKey: ['setup'] });
    },
  });
}

const SetupContext = createContext<SetupSession | undefined>(undefined);

export function InSetup({ session, children }: { session: SetupSession; children: ReactNode }) {
  return <SetupContext.Provider value={session}>{children}</SetupContext.Provider>;
}

/** The directory that is being set up, and for whom. */
export function useSetup(): SetupSession {
  const session = useContext(SetupContext);
  if (!session) throw new Error('not on a setup page');
  return session;
}
