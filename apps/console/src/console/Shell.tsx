import {
  AppShell,
  Avatar,
  Box,
  Burger,
  Group,
  Menu,
  ScrollArea,
  SegmentedControl,
  Text,
  UnstyledButton,
  useMantineColorScheme,
  VisuallyHidden,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Link, NavLink, useLocation, useNavigate } from 'react-router';
import { useHere, useSigningOut } from '../broker/session';
import type { Environment } from '../broker/answers';
import {
  AuditIcon,
  BookIcon,
  CheckIcon,
  DirectoriesIcon,
  EventsIcon,
  KeyIcon,
  MappingIcon,
  Mark,
  MembersIcon,
  MoonIcon,
  OrganizationsIcon,
  OverviewIcon,
  PlusIcon,
  RequestsIcon,
  SandboxIcon,
  ScreenIcon,
  SelectorIcon,
  SettingsIcon,
  SignOutIcon,
  SunIcon,
  UserIcon,
  WebhooksIcon,
} from '../icons';
import { Unreachable } from '../parts/Unreachable';
import { mayMakeEnvironments, NewEnvironmentDialog } from './FirstEnvironment';
import classes from './Shell.module.css';

const remembered = 'causeway:environment';

/** The environment that was looked at last, or the first. */
export function lastEnvironment(environments: Environment[]): Environment | undefined {
  const last = localStorage.getItem(remembered);
  return environments.find(({ id }) => id === last) ?? environments[0];
}

const groups: { name?: string; links: { to: string; label: string; icon: ReactNode }[] }[] = [
  {
    links: [
      { to: '', label: 'Overview', icon: <OverviewIcon /> },
      { to: '/organizations', label: 'Organizations', icon: <OrganizationsIcon /> },
      { to: '/directories', label: 'Directories', icon: <DirectoriesIcon /> },
    ],
  },
  {
    name: 'Activity',
    links: [
      { to: '/events', label: 'Events', icon: <EventsIcon /> },
      { to: '/webhooks', label: 'Webhooks', icon: <WebhooksIcon /> },
      { to: '/requests', label: 'Requests', icon: <RequestsIcon /> },
    ],
  },
  {
    name: 'Build',
    links: [
      { to: '/sandbox', label: 'Sandbox', icon: <SandboxIcon /> },
      { to: '/mapping', label: 'Mapping', icon: <MappingIcon /> },
      { to: '/api-keys', label: 'API keys', icon: <KeyIcon /> },
    ],
  },
  {
    name: 'Environment',
    links: [
      { to: '/members', label: 'Members', icon: <MembersIcon /> },
      { to: '/audit-log', label: 'Audit log', icon: <AuditIcon /> },
      { to: '/settings', label: 'Settings', icon: <SettingsIcon /> },
    ],
  },
];

/** What stands around every page of an environment. */
export function Shell({ children }: { children: ReactNode }) {
  const { environment, page } = useHere();
  const [opened, { toggle, close }] = useDisclosure();
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const arrived = useRef(pathname);

  useEffect(() => localStorage.setItem(remembered, environment.id), [environment.id]);
  useEffect(() => {
    close();
    if (arrived.current === pathname) return;
    arrived.current = pathname;
    // Whoever cannot see that the page has changed is taken to its beginning.
    main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [pathname, close]);

  return (
    <AppShell
      layout="alt"
      header={{ height: 54, collapsed: false }}
      navbar={{ width: 248, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding={0}
      withBorder={false}
    >
      <a className="skip-link" href="#main">
        Skip to the page
      </a>
      <AppShell.Header className={classes.header} hiddenFrom="sm" px="md">
        <Group h="100%" gap="sm" wrap="nowrap">
          <Burger opened={opened} onClick={toggle} size="sm" aria-label={opened ? 'Close the menu' : 'Open the menu'} />
          <Mark size={26} />
          <Text fw={650} truncate>
            {environment.name}
          </Text>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={classes.navbar}>
        <Box p={12} pb={4}>
          <Group justify="flex-end" hiddenFrom="sm" mb={6}>
            <Burger opened onClick={close} size="sm" aria-label="Close the menu" />
          </Group>
          <EnvironmentSwitcher />
        </Box>
        <AppShell.Section grow component={ScrollArea} px={8} type="auto">
          <nav aria-label="Pages">
            {groups.map(({ name, links }, i) => (
              <Box key={i} role={name ? 'group' : undefined} aria-label={name}>
                {name ? <div className={classes.group}>{name}</div> : <Box h={8} />}
                {links.map(({ to, label, icon }) => (
                  <NavLink key={to} to={page(to)} end={to === ''} className={classes.link}>
                    {icon}
                    {label}
                  </NavLink>
                ))}
              </Box>
            ))}
            <Box h={8} />
            <a className={classes.link} href="/docs">
              <BookIcon />
              API reference
            </a>
          </nav>
        </AppShell.Section>
        <div className={classes.foot}>
          <AccountMenu />
        </div>
      </AppShell.Navbar>
      <AppShell.Main className={classes.main} id="main" ref={main} tabIndex={-1} pt={{ base: 54, sm: 0 }}>
        <Unreachable />
        <div className={classes.content}>{children}</div>
      </AppShell.Main>
    </AppShell>
  );
}

function EnvironmentSwitcher() {
  const { environment, session } = useHere();
  const navigate = useNavigate();
  const [making, setMaking] = useState(false);
  return (
    <>
      <Menu position="bottom-start" width={232}>
        <Menu.Target>
          <UnstyledButton className={classes.switcher} aria-label={`Environment: ${environment.name}. Switch`}>
            <Mark />
            <Box style={{ minWidth: 0, flex: 1 }}>
              <Text size="sm" fw={600} truncate>
                {environment.name}
              </Text>
              <Text size="xs" c="dimmed">
                {environment.role === 'admin' ? 'Admin' : 'Viewer'}
              </Text>
            </Box>
            <SelectorIcon size={16} />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Environments</Menu.Label>
          {session.environments.map((one) => (
            <Menu.Item
              key={one.id}
              onClick={() => void navigate(`/${one.id}`)}
              rightSection={one.id === environment.id ? <CheckIcon size={16} /> : undefined}
            >
              {one.name}
            </Menu.Item>
          ))}
          {mayMakeEnvironments(session) && (
            <>
              <Menu.Divider />
              <Menu.Item leftSection={<PlusIcon size={16} />} onClick={() => setMaking(true)}>
                New environment
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      <NewEnvironmentDialog opened={making} onClose={() => setMaking(false)} />
    </>
  );
}

function AccountMenu() {
  const { session, page } = useHere();
  const signingOut = useSigningOut();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const email = session.member?.email ?? '';
  return (
    <Menu position="top-start" width={232} closeOnItemClick={false}>
      <Menu.Target>
        <UnstyledButton className={classes.account} aria-label={`Account: ${email}`}>
          <Avatar size={28} radius="xl" color="water" variant="filled">
            {email.slice(0, 1).toUpperCase()}
          </Avatar>
          <Text size="sm" truncate style={{ flex: 1 }}>
            {email}
          </Text>
          <SelectorIcon size={16} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Box px={6} py={4}>
          <SegmentedControl
            fullWidth
            size="xs"
            aria-label="Colours"
            value={colorScheme}
            onChange={setColorScheme}
            data={[
              { value: 'auto', label: <Scheme icon={<ScreenIcon size={16} />} name="As the system" /> },
              { value: 'light', label: <Scheme icon={<SunIcon size={16} />} name="Light" /> },
              { value: 'dark', label: <Scheme icon={<MoonIcon size={16} />} name="Dark" /> },
            ]}
          />
        </Box>
        <Menu.Divider />
        <Menu.Item component={Link} to={page('/account')} leftSection={<UserIcon size={16} />} closeMenuOnClick>
          Your account
        </Menu.Item>
        <Menu.Item leftSection={<SignOutIcon size={16} />} onClick={() => signingOut.mutate()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Scheme({ icon, name }: { icon: ReactNode; name: string }) {
  return (
    <Box title={name} style={{ display: 'grid', placeItems: 'center', height: 18 }}>
      {icon}
      <VisuallyHidden>{name}</VisuallyHidden>
    </Box>
  );
}
