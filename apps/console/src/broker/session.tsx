import { QueryClient, QueryClientProvider, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext } from 'react';
import { call, Problem } from './call';
import type { Environment, Session } from './answers';

/** What every page is fetched through. A refusal is an answer and is not asked for again; a broker that cannot be reached is, twice. */
export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: (failures, error) => failures < 2 && error instanceof Problem && (error.status === 0 || error.status === 503),
        retryDelay: (attempt) => 500 * 2 ** attempt,
        staleTime: 5_000,
        refetchOnWindowFocus: true,
      },
    },
  });
}

export { QueryClientProvider };

export const sessionKey = ['session'] as const;

export function useSession() {
  return useQuery({ queryKey: sessionKey, queryFn: ({ signal }) => call<Session>('/console/api/session', { signal }), staleTime: 60_000 });
}

/** Whatever opens a session answers with it: signing in, confirming an address, a new password, an invitation. */
export function useEntering<V extends object>(path: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: V) => call<Session>(`/console/api${path}`, { method: 'POST', body }),
    onSuccess: (session) => {
      forgetEnvironments(queries);
      queries.setQueryData(sessionKey, session);
    },
  });
}

export function useSigningOut() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => call('/console/api/session', { method: 'DELETE' }),
    onSettled: async () => {
      await queries.invalidateQueries({ queryKey: sessionKey });
      forgetEnvironments(queries);
    },
  });
}

/** What somebody else saw before is not shown to whoever comes next. */
function forgetEnvironments(queries: QueryClient): void {
  queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionKey[0] });
}

interface Here {
  environment: Environment;
  session: Session;
  /** Whether whoever looks may also change. */
  mayChange: boolean;
  /** The vendor's API, such as `/organizations`. */
  api: (path: string) => string;
  /** What the console's own paths say of this environment, such as `/overview`. */
  own: (path: string) => string;
  /** A page of this environment. */
  page: (path: string) => string;
}

const HereContext = createContext<Here | undefined>(undefined);

export function InEnvironment({ environment, session, children }: { environment: Environment; session: Session; children: ReactNode }) {
  const base = `/console/api/environments/${environment.id}`;
  return (
    <HereContext.Provider
      value={{
        environment,
        session,
        mayChange: environment.role === 'admin',
        api: (path) => `${base}/v1${path}`,
        own: (path) => `${base}${path}`,
        page: (path) => `/${environment.id}${path}`,
      }}
    >
      {children}
    </HereContext.Provider>
  );
}

/** The environment that is looked at, and what may be done there. */
export function useHere(): Here {
  const here = useContext(HereContext);
  if (!here) throw new Error('not in an environment');
  return here;
}
