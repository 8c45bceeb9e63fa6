import { Anchor, Box, Center, Container, Group, Image, Loader, Stack, Text } from '@mantine/core';
import { lazy, Suspense, useEffect } from 'react';
import { Route, Routes } from 'react-router';
import { Appearance } from '../appearance';
import { Problem } from '../broker/call';
import { Failed, Nothing } from '../parts/Answer';
import { PageTabs } from '../parts/PageTabs';
import { When } from '../parts/When';
import { ChooseProvider } from './ChooseProvider';
import { GuidePage } from './GuidePage';
import type { SetupSession } from '../broker/answers';
import { InSetup, useSetup, useSetupAnswer } from './setup-session';

const SetupRequests = lazy(() => import('./SetupRequests'));
const SetupRequestPage = lazy(() => import('./SetupRequestPage'));
const SetupCredentials = lazy(() => import('./SetupCredentials'));

/** What a customer's IT admin sees, in the vendor's name. */
export function SetupPage() {
  const session = useSetupAnswer<SetupSession>('/session', 60_000);
  const color = session.data?.vendor.color ?? undefined;
  const ended = session.error instanceof Problem && session.error.code === 'signed_out';
  return (
    <Appearance accent={color}>
      {ended ? (
        <Container component="main" size="xs" py={80}>
          <Nothing title="Open your setup link again">
            This page closes two hours after the link was opened. Open the link that you were sent again. If it has expired, ask whoever
            sent it for a new one: everything that you have set up stays.
          </Nothing>
        </Container>
      ) : session.data ? (
        <InSetup session={session.data}>
          <Framed />
        </InSetup>
      ) : session.error ? (
        <Container component="main" size="xs" py={80}>
          <Failed error={session.error} retry={() => void session.refetch()} title="The page could not be opened" />
        </Container>
      ) : (
        <Center mih="60vh">
          <Loader role="status" aria-label="Loading" />
        </Center>
      )}
    </Appearance>
  );
}

function Framed() {
  const { vendor, organization_name: organization, expires_at: expiresAt } = useSetup();
  useEffect(() => {
    document.title = `Connect your directory · ${vendor.name}`;
  }, [vendor.name]);
  return (
    <>
      <a className="skip-link" href="#main">
        Skip to the page
      </a>
      <Box
        component="header"
        style={{
          background: 'var(--mantine-color-body)',
          borderBottom: '1px solid var(--causeway-line)',
          borderTop: '4px solid var(--mantine-primary-color-filled)',
        }}
      >
        <Container size="lg" py="md">
          <Group justify="space-between" gap="xs">
            <Group gap="sm" wrap="nowrap" style={{ minWidth: 0 }}>
              {vendor.has_logo && <Image src="/setup/api/logo" alt="" h={34} w="auto" maw={160} fit="contain" />}
              <Text fw={650} size="lg" truncate>
                {vendor.name}
              </Text>
            </Group>
            <Text size="sm" c="dimmed">
              {organization}
            </Text>
          </Group>
        </Container>
      </Box>
      <Container size="lg" component="main" id="main" py={{ base: 'md', sm: 'xl' }} tabIndex={-1}>
        <Stack gap="lg">
          <PageTabs
            label="Setup"
            tabs={[
              { to: '/', name: 'Connect', within: '/guide/' },
              { to: '/requests', name: 'Request log', within: '/requests/' },
              { to: '/credentials', name: 'Credentials' },
            ]}
          />
          <Suspense
            fallback={
              <Center mih="30vh">
                <Loader role="status" aria-label="Loading" />
              </Center>
            }
          >
            <Routes>
              <Route index element={<ChooseProvider />} />
              <Route path="guide/:guide" element={<GuidePage />} />
              <Route path="requests" element={<SetupRequests />} />
              <Route path="requests/:request" element={<SetupRequestPage />} />
              <Route path="credentials" element={<SetupCredentials />} />
              <Route
                path="*"
                element={
                  <Nothing title="Page not found">
                    <Anchor href="/setup">Back to the start</Anchor>
                  </Nothing>
                }
              />
            </Routes>
          </Suspense>
          <Text component="footer" size="xs" c="dimmed" ta="center" mt="xl">
            {vendor.support_email && (
              <>
                Questions?{' '}
                <Anchor href={`mailto:${vendor.support_email}`} inherit underline="always">
                  {vendor.support_email}
                </Anchor>{' '}
                ·{' '}
              </>
            )}
            This page is only for {organization}, and closes <When time={expiresAt} />.
          </Text>
        </Stack>
      </Container>
    </>
  );
}
