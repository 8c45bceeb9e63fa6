import { Center, Container, Loader, Stack } from '@mantine/core';
import { Component, lazy, type ReactNode, Suspense } from 'react';
import { Navigate, Outlet, Route, Routes, useLocation, useParams } from 'react-router';
import { InEnvironment, useSession } from '../broker/session';
import type { Session } from '../broker/answers';
import { Failed, Nothing } from '../parts/Answer';
import { ConfirmAddress, Forgotten, Invitation, NewPassword, SignIn, SignUp } from './entering';
import { FirstEnvironment } from './FirstEnvironment';
import { lastEnvironment, Shell } from './Shell';

// A page's code is fetched when the page is opened: the first load is the shell, and what is looked at.
const Overview = lazy(() => import('./Overview'));
const Organizations = lazy(() => import('./Organizations'));
const OrganizationPage = lazy(() => import('./OrganizationPage'));
const Directories = lazy(() => import('./Directories'));
const DirectoryPage = lazy(() => import('./DirectoryPage'));
const UserPage = lazy(() => import('./UserPage'));
const GroupPage = lazy(() => import('./GroupPage'));
const Events = lazy(() => import('./Events'));
const EventPage = lazy(() => import('./EventPage'));
const Requests = lazy(() => import('./Requests'));
const RequestPage = lazy(() => import('./RequestPage'));
const Webhooks = lazy(() => import('./Webhooks'));
const EndpointPage = lazy(() => import('./EndpointPage'));
const ApiKeys = lazy(() => import('./ApiKeys'));
const Members = lazy(() => import('./Members'));
const Mapping = lazy(() => import('./Mapping'));
const Sandbox = lazy(() => import('./Sandbox'));
const EnvironmentSettings = lazy(() => import('./EnvironmentSettings'));
const AuditLog = lazy(() => import('./AuditLog'));
const Account = lazy(() => import('./Account'));

/** Every page of the console, and who may come to it. */
export function Console() {
  const session = useSession();
  if (session.error && !session.data) {
    return (
      <Container size="xs" py={80}>
        <Failed error={session.error} retry={() => void session.refetch()} title="The console could not be opened" />
      </Container>
    );
  }
  if (!session.data) return <Waiting />;
  return (
    <Routes>
      <Route path="/sign-in" element={<SignIn session={session.data} />} />
      <Route path="/sign-up" element={<SignUp session={session.data} />} />
      <Route path="/confirm/:secret" element={<ConfirmAddress />} />
      <Route path="/forgotten" element={<Forgotten />} />
      <Route path="/reset/:secret" element={<NewPassword />} />
      <Route path="/invitation/:secret" element={<Invitation />} />
      <Route element={<SignedIn session={session.data} />}>
        <Route index element={<Home session={session.data} />} />
        <Route path="/:environment" element={<Environment session={session.data} />}>
          <Route index element={<Overview />} />
          <Route path="organizations" element={<Organizations />} />
          <Route path="organizations/:organization" element={<OrganizationPage />} />
          <Route path="directories" element={<Directories />} />
          <Route path="directories/:directory/:tab?" element={<DirectoryPage />} />
          <Route path="users/:user/:tab?" element={<UserPage />} />
          <Route path="groups/:group/:tab?" element={<GroupPage />} />
          <Route path="events" element={<Events />} />
          <Route path="events/:event" element={<EventPage />} />
          <Route path="requests" element={<Requests />} />
          <Route path="requests/:request" element={<RequestPage />} />
          <Route path="webhooks" element={<Webhooks />} />
          <Route path="webhooks/:endpoint/:tab?" element={<EndpointPage />} />
          <Route path="api-keys" element={<ApiKeys />} />
          <Route path="members" element={<Members />} />
          <Route path="mapping" element={<Mapping />} />
          <Route path="sandbox" element={<Sandbox />} />
          <Route path="settings" element={<EnvironmentSettings />} />
          <Route path="audit-log" element={<AuditLog />} />
          <Route path="account" element={<Account />} />
          <Route path="*" element={<NotHere />} />
        </Route>
      </Route>
    </Routes>
  );
}

function SignedIn({ session }: { session: Session }) {
  const { pathname, search } = useLocation();
  if (session.member) return <Outlet />;
  return <Navigate to={pathname === '/' ? '/sign-in' : `/sign-in?then=${encodeURIComponent(pathname + search)}`} replace />;
}

function Home({ session }: { session: Session }) {
  const last = lastEnvironment(session.environments);
  return last ? <Navigate to={`/${last.id}`} replace /> : <FirstEnvironment session={session} />;
}

function Environment({ session }: { session: Session }) {
  const { environment: id } = useParams();
  const { pathname } = useLocation();
  const environment = session.environments.find((one) => one.id === id);
  if (!environment) {
    return (
      <Container size="sm" component="main">
        <Nothing title="Environment not found">
          <p>
            This environment does not exist, or you are not a member of it. <a href="/">Go to yours</a>.
          </p>
        </Nothing>
      </Container>
    );
  }
  return (
    <InEnvironment environment={environment} session={session}>
      <Shell>
        <Fallible key={pathname}>
          <Suspense fallback={<Waiting />}>
            <Outlet />
          </Suspense>
        </Fallible>
      </Shell>
    </InEnvironment>
  );
}

function NotHere() {
  return <Nothing title="Page not found">Choose a page from the menu.</Nothing>;
}

function Waiting() {
  return (
    <Center mih="40vh">
      <Stack align="center">
        <Loader role="status" aria-label="Loading" />
      </Stack>
    </Center>
  );
}

/** A page whose code could not be fetched, or that failed while it was drawn, says so in its place. */
class Fallible extends Component<{ children: ReactNode }, { error?: Error }> {
  override state: { error?: Error } = {};

  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error('The page could not be drawn.') };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    // The broker is away; or after an update of it the code of yesterday's page is no longer there.
    const unfetched = /dynamically imported module|Failed to fetch/i.test(error.message);
    return (
      <Failed
        error={
          unfetched
            ? new Error('Either the broker cannot be reached, or the console has been updated since it was opened. Load the page again.')
            : error
        }
        title="This page could not be shown"
        retry={() => window.location.reload()}
      />
    );
  }
}
