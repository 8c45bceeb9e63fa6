import { Alert, Anchor, Box, Button, Center, Group, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { Link, Navigate, useNavigate, useParams, useSearchParams } from 'react-router';
import { call } from '../broker/call';
import { useEntering } from '../broker/session';
import type { Mailed, OpenedInvitation, Session } from '../broker/answers';
import { Mark } from '../icons';
import { Failed, Refusal, Sketch } from '../parts/Answer';
import { faultOf, useFields } from '../parts/fields';

/** The way in: one small sheet in the middle of the page. */
function Door({ title, about, children, below }: { title: string; about?: ReactNode; children: ReactNode; below?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Causeway`;
  }, [title]);
  return (
    <Center component="main" mih="100vh" p="md">
      <Box w="100%" maw={400}>
        <Group justify="center" gap={10} mb="lg">
          <Mark size={34} />
          <Text fw={700} size="xl">
            Causeway
          </Text>
        </Group>
        <Paper p={{ base: 'lg', xs: 'xl' }} shadow="xs">
          <Title order={1} size="h1">
            {title}
          </Title>
          {about && (
            <Text c="dimmed" size="sm" mt={4} component="div">
              {about}
            </Text>
          )}
          <Box mt="lg">{children}</Box>
        </Paper>
        {below && (
          <Text ta="center" size="sm" c="dimmed" mt="md" component="div">
            {below}
          </Text>
        )}
      </Box>
    </Center>
  );
}

export function SignIn({ session }: { session: Session }) {
  const [parameters] = useSearchParams();
  const { values, text } = useFields({ email: '', password: '' });
  const entering = useEntering<{ email: string; password: string }>('/session');
  const then = parameters.get('then');
  // A path of ours, and never another site's: "//elsewhere.com" is one.
  if (session.member) return <Navigate to={then && /^\/[^/\\]/.test(then) ? then : '/'} replace />;
  return (
    <Door
      title="Sign in"
      below={
        session.sign_up === 'open' ? (
          <>
            New here?{' '}
            <Anchor component={Link} to="/sign-up" underline="always">
              Sign up
            </Anchor>
          </>
        ) : (
          'No account? Ask a member of your team to invite you.'
        )
      }
    >
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          entering.mutate(values);
        }}
      >
        <Stack>
          <TextInput label="E-mail" type="email" autoComplete="username" required autoFocus {...text('email')} />
          <PasswordInput label="Password" autoComplete="current-password" required {...text('password')} />
          <Refusal error={entering.error} />
          <Button type="submit" loading={entering.isPending} fullWidth>
            Sign in
          </Button>
          <Anchor component={Link} to="/forgotten" size="sm" ta="center">
            Forgot your password?
          </Anchor>
        </Stack>
      </form>
    </Door>
  );
}

export function SignUp({ session }: { session: Session }) {
  const { values, text } = useFields({ email: '', password: '', environment_name: '' });
  const asking = useMutation({
    mutationFn: (body: typeof values) => call<Mailed>('/console/api/sign_up', { method: 'POST', body }),
  });
  if (session.member) return <Navigate to="/" replace />;
  const below = (
    <>
      Have an account?{' '}
      <Anchor component={Link} to="/sign-in" underline="always">
        Sign in
      </Anchor>
    </>
  );
  if (session.sign_up === 'closed') {
    return (
      <Door title="Sign up" below={below}>
        <Text size="sm">Sign-up is closed on this installation. Ask a member of your team to invite you.</Text>
      </Door>
    );
  }
  if (asking.isSuccess) return <Mailed title="Confirm your address" email={values.email} reaches={asking.data.mail_reaches} />;
  return (
    <Door title="Sign up" about="All your customers’ directories, as one stream of events." below={below}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          asking.mutate(values);
        }}
      >
        <Stack>
          <TextInput
            label="Your product or company"
            description="The name of your first environment"
            required
            autoFocus
            {...text('environment_name', asking.error)}
          />
          <TextInput label="E-mail" type="email" autoComplete="username" required {...text('email', asking.error)} />
          <PasswordInput
            label="Password"
            description="At least 10 characters"
            autoComplete="new-password"
            required
            {...text('password', asking.error)}
          />
          <Refusal error={asking.error} />
          <Button type="submit" loading={asking.isPending} fullWidth>
            Sign up
          </Button>
        </Stack>
      </form>
    </Door>
  );
}

export function Forgotten() {
  const { values, text } = useFields({ email: '' });
  const asking = useMutation({
    mutationFn: (body: typeof values) => call<Mailed>('/console/api/password_reset', { method: 'POST', body }),
  });
  if (asking.isSuccess) return <Mailed title="Check your inbox" email={values.email} reaches={asking.data.mail_reaches} />;
  return (
    <Door
      title="Forgot your password?"
      about="We will send you a link to choose a new one."
      below={
        <Anchor component={Link} to="/sign-in">
          Back to sign-in
        </Anchor>
      }
    >
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          asking.mutate(values);
        }}
      >
        <Stack>
          <TextInput label="E-mail" type="email" autoComplete="username" required autoFocus {...text('email', asking.error)} />
          <Refusal error={asking.error} />
          <Button type="submit" loading={asking.isPending} fullWidth>
            Send the link
          </Button>
        </Stack>
      </form>
    </Door>
  );
}

function Mailed({ title, email, reaches }: { title: string; email: string; reaches: boolean }) {
  return (
    <Door
      title={title}
      below={
        <Anchor component={Link} to="/sign-in">
          Back to sign-in
        </Anchor>
      }
    >
      <Stack>
        <Text size="sm">
          If{' '}
          <Text span fw={600} inherit>
            {email}
          </Text>{' '}
          can be reached, an e-mail with a link is on its way. Open it to continue.
        </Text>
        {!reaches && <NoMailServer />}
      </Stack>
    </Door>
  );
}

/** Where there is no mail server, whoever runs the broker finds the mail in its log. */
export function NoMailServer() {
  return (
    <Alert color="yellow">
      This installation has no mail server (SMTP_URL is not set). The e-mail and its link are in the broker’s log: ask whoever runs it.
    </Alert>
  );
}

export function ConfirmAddress() {
  const { secret = '' } = useParams();
  const navigate = useNavigate();
  const { values, text } = useFields({ password: '' });
  const entering = useEntering<{ secret: string; password: string }>('/sign_up/confirm');
  return (
    <Door
      title="Confirm your address"
      about="The password that you chose when you signed up shows that it was you. If you did not sign up, close this page: nothing has been created."
      below={
        <Anchor component={Link} to="/sign-in">
          Go to sign-in
        </Anchor>
      }
    >
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          entering.mutate({ secret, ...values }, { onSuccess: () => void navigate('/', { replace: true }) });
        }}
      >
        <Stack>
          <PasswordInput label="Password" autoComplete="current-password" required autoFocus {...text('password', entering.error)} />
          {!faultOf(entering.error, 'password') && <Refusal error={entering.error} />}
          <Button type="submit" loading={entering.isPending} fullWidth>
            Confirm
          </Button>
        </Stack>
      </form>
    </Door>
  );
}

export function NewPassword() {
  const { secret = '' } = useParams();
  const navigate = useNavigate();
  const { values, text } = useFields({ password: '' });
  const entering = useEntering<{ secret: string; password: string }>('/password_reset/confirm');
  return (
    <Door
      title="Choose a new password"
      about="You will be signed out everywhere else."
      below={
        <Anchor component={Link} to="/forgotten">
          Ask for another link
        </Anchor>
      }
    >
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          entering.mutate({ secret, ...values }, { onSuccess: () => void navigate('/', { replace: true }) });
        }}
      >
        <Stack>
          <PasswordInput
            label="New password"
            description="At least 10 characters"
            autoComplete="new-password"
            required
            autoFocus
            {...text('password', entering.error)}
          />
          <Refusal error={entering.error} />
          <Button type="submit" loading={entering.isPending} fullWidth>
            Set the password
          </Button>
        </Stack>
      </form>
    </Door>
  );
}

export function Invitation() {
  const { secret = '' } = useParams();
  const navigate = useNavigate();
  const { values, text } = useFields({ password: '' });
  const invitation = useQuery({
    queryKey: ['invitation', secret],
    queryFn: () =>
      call<OpenedInvitation>('/console/api/invitation', {
        method: 'POST',
        body: { secret },
      }),
  });
  const entering = useEntering<{ secret: string; password?: string }>('/invitation/accept');
  if (invitation.error)
    return (
      <Door
        title="Invitation"
        below={
          <Anchor component={Link} to="/sign-in">
            Go to sign-in
          </Anchor>
        }
      >
        <Failed error={invitation.error} title="This invitation cannot be used" />
      </Door>
    );
  if (!invitation.data)
    return (
      <Door title="Invitation">
        <Sketch lines={3} />
      </Door>
    );
  const { email, role, environment_name: name, known } = invitation.data;
  return (
    <Door
      title={`Join ${name}`}
      about={
        <>
          As {role === 'admin' ? 'an admin, who can change everything' : 'a viewer, who can see everything'}, with the address{' '}
          <b>{email}</b>.
        </>
      }
    >
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          entering.mutate(known ? { secret } : { secret, ...values }, { onSuccess: () => void navigate('/', { replace: true }) });
        }}
      >
        <Stack>
          {!known && <input type="text" name="username" autoComplete="username" value={email} readOnly hidden />}
          {!known && (
            <PasswordInput
              label="Choose a password"
              description="At least 10 characters"
              autoComplete="new-password"
              required
              autoFocus
              {...text('password', entering.error)}
            />
          )}
          {!faultOf(entering.error, 'password') && <Refusal error={entering.error} />}
          <Button type="submit" loading={entering.isPending} fullWidth>
            Join
          </Button>
        </Stack>
      </form>
    </Door>
  );
}
