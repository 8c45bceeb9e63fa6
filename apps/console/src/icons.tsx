import type { ReactNode } from 'react';

/** Line drawings on a 24 by 24 grid. They say nothing that the text beside them does not, so they are hidden from screen readers. */
function drawing(paths: ReactNode) {
  return function Icon({ size = 18 }: { size?: number }) {
    return (
      <svg
        width={size}
        height={size}
        viewBox="0 0 24 24"
        fill="none"
        stroke="currentColor"
        strokeWidth={1.8}
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
        focusable="false"
      >
        {paths}
      </svg>
    );
  };
}

export const OverviewIcon = drawing(
  <>
    <path d="M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z" />
  </>,
);
export const OrganizationsIcon = drawing(
  <>
    <path d="M4 21V6l8-3v18M12 9l8 3v9M3 21h18M7.5 9h1M7.5 13h1M7.5 17h1M16 15h.5M16 18h.5" />
  </>,
);
export const DirectoriesIcon = drawing(
  <>
    <path d="M12 4c4.4 0 8 1.3 8 3s-3.6 3-8 3-8-1.3-8-3 3.6-3 8-3zM4 7v5c0 1.7 3.6 3 8 3s8-1.3 8-3V7M4 12v5c0 1.7 3.6 3 8 3s8-1.3 8-3v-5" />
  </>,
);
export const EventsIcon = drawing(
  <>
    <path d="M3 12h4l3-8 4 16 3-8h4" />
  </>,
);
export const RequestsIcon = drawing(
  <>
    <path d="M4 8h13l-3.5-3.5M20 16H7l3.5 3.5" />
  </>,
);
export const WebhooksIcon = drawing(
  <>
    <circle cx="6" cy="17" r="2.6" />
    <circle cx="18" cy="17" r="2.6" />
    <circle cx="12" cy="6" r="2.6" />
    <path d="M10.8 8.3 7.3 14.7M8.6 17h6.8M13.3 8.2l3.5 6.4" />
  </>,
);
export const MappingIcon = drawing(
  <>
    <path d="M4 6h5l6 12h5M4 18h5l1.8-3.5M13.2 9.5 15 6h5M17 3.5 20 6l-3 2.5M17 15.5l3 2.5-3 2.5" />
  </>,
);
export const KeyIcon = drawing(
  <>
    <circle cx="8" cy="15" r="4" />
    <path d="m11 12 8-8M16 7l3 3M14 9l2 2" />
  </>,
);
export const MembersIcon = drawing(
  <>
    <circle cx="9" cy="8" r="3.2" />
    <path d="M3 20c0-3.5 2.7-6 6-6s6 2.5 6 6M15.5 5.2a3.2 3.2 0 0 1 0 5.6M17.5 14.5c2.2.8 3.5 2.8 3.5 5.5" />
  </>,
);
export const AuditIcon = drawing(
  <>
    <path d="M6 3h9l4 4v14H6zM15 3v4h4M9 12h7M9 16h7" />
  </>,
);
export const SandboxIcon = drawing(
  <>
    <path d="M9 3h6M10 3v6.5L4.8 18a2 2 0 0 0 1.7 3h11a2 2 0 0 0 1.7-3L14 9.500V3M7.5 15h9" />
  </>,
);
export const SettingsIcon = drawing(
  <>
    <path d="M4 7h9M17 7h3M4 17h3M11 17h9" />
    <circle cx="15" cy="7" r="2" />
    <circle cx="9" cy="17" r="2" />
  </>,
);
export const PaletteIcon = drawing(
  <>
    <path d="M12 3a9 9 0 1 0 0 18c1.2 0 1.8-.8 1.8-1.7 0-1.3-1-1.6-1-2.7 0-.9.8-1.6 1.8-1.600H17a4 4 0 0 0 4-4c0-4.5-4-8-9-8z" />
    <path d="M7.5 11h.01M10.5 7.500h.01M15 7.700h.01" />
  </>,
);
export const BookIcon = drawing(
  <>
    <path d="M5 4.500A1.5 1.5 0 0 1 6.5 3H19v15H6.500A1.5 1.5 0 0 0 5 19.500zM5 19.500A1.5 1.5 0 0 0 6.5 21H19v-3" />
  </>,
);
export const UserIcon = drawing(
  <>
    <circle cx="12" cy="8" r="3.6" />
    <path d="M5 20c0-3.9 3.1-6.5 7-6.500s7 2.6 7 6.5" />
  </>,
);
export const GroupIcon = drawing(
  <>
    <path d="M4 5h16v14H4zM4 9h16M9 13h6" />
  </>,
);
export const PlusIcon = drawing(<path d="M12 5v14M5 12h14" />);
export const CopyIcon = drawing(
  <>
    <rect x="8" y="8" width="12" height="12" rx="2" />
    <path d="M16 8V6a2 2 0 0 0-2-2H6a2 2 0 0 0-2 2v8a2 2 0 0 0 2 2h2" />
  </>,
);
export const CheckIcon = drawing(<path d="m5 12.5 4.5 4.500L19 7.5" />);
export const CrossIcon = drawing(<path d="m6 6 12 12M18 6 6 18" />);
export const DotsIcon = drawing(<path d="M5 12h.01M12 12h.01M19 12h.01" />);
export const SearchIcon = drawing(
  <>
    <circle cx="11" cy="11" r="6.5" />
    <path d="m16 16 4.5 4.5" />
  </>,
);
export const ChevronRightIcon = drawing(<path d="m9 5 7 7-7 7" />);
export const ChevronDownIcon = drawing(<path d="m6 9 6 6 6-6" />);
export const SelectorIcon = drawing(<path d="m8 9 4-4 4 4M8 15l4 4 4-4" />);
export const WarningIcon = drawing(
  <>
    <path d="M12 4 2.8 20h18.400zM12 10v4.500M12 17.200h.01" />
  </>,
);
export const InfoIcon = drawing(
  <>
    <circle cx="12" cy="12" r="9" />
    <path d="M12 11v5M12 8h.01" />
  </>,
);
export const LinkIcon = drawing(
  <>
    <path d="M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.300l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.700l1-1" />
  </>,
);
export const ReplayIcon = drawing(
  <>
    <path d="M4 5v5h5M4.6 10A8 8 0 1 1 4 14" />
  </>,
);
export const PlayIcon = drawing(<path d="M7 4.500v15l12-7.500z" />);
export const PauseIcon = drawing(<path d="M8 5v14M16 5v14" />);
export const SunIcon = drawing(
  <>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 3v1.500M12 19.500V21M3 12h1.500M19.5 12H21M5.6 5.600l1.1 1.100M17.3 17.300l1.1 1.100M5.6 18.400l1.1-1.100M17.3 6.700l1.1-1.1" />
  </>,
);
export const MoonIcon = drawing(<path d="M20 14.500A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.500z" />);
export const ScreenIcon = drawing(
  <>
    <rect x="3.5" y="4.5" width="17" height="12" rx="1.5" />
    <path d="M9 20h6M12 16.500V20" />
  </>,
);
export const SignOutIcon = drawing(
  <>
    <path d="M14 4H6v16h8M10.5 12H21M17.5 8.5 21 12l-3.5 3.5" />
  </>,
);
export const MailIcon = drawing(
  <>
    <rect x="3.5" y="5.5" width="17" height="13" rx="1.5" />
    <path d="m4 7 8 6 8-6" />
  </>,
);
export const ExternalIcon = drawing(<path d="M13 5h6v6M19 5l-9 9M17 14v5H5V7h5" />);
export const ShieldIcon = drawing(<path d="M12 3 5 6v5.500c0 4.5 3 7.8 7 9.5 4-1.7 7-5 7-9.500V6z" />);
export const ArrowLeftIcon = drawing(<path d="M19 12H5M11 6l-6 6 6 6" />);
export const RefreshIcon = drawing(
  <path d="M20 6v5h-5M4 18v-5h5M5.2 10A7.5 7.5 0 0 1 19 8.500L20 11M4 13l1 2.500A7.5 7.5 0 0 0 18.8 14" />,
);

/** A mark for each identity provider: its initial in a tint, for nobody's logo is ours to draw. */
export function ProviderMark({ provider, size = 28 }: { provider: string; size?: number }) {
  const [initial, hue] = marks[provider] ?? ['?', 220];
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false" style={{ flexShrink: 0 }}>
      <rect width="32" height="32" rx="8" fill={`hsl(${hue} 55% 42%)`} />
      <text x="16" y="21.5" textAnchor="middle" fontSize={initial.length > 1 ? 12 : 15} fontWeight="650" fill="#fff" fontFamily="inherit">
        {initial}
      </text>
    </svg>
  );
}

const marks: Record<string, [initial: string, hue: number]> = {
  entra: ['E', 208],
  okta: ['O', 228],
  jumpcloud: ['J', 170],
  onelogin: ['1', 4],
  google: ['G', 140],
  ping: ['P', 345],
  generic: ['id', 262],
};

/** Causeway's own mark. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false" style={{ flexShrink: 0 }}>
      <rect width="32" height="32" rx="8" fill="#2f5bd0" />
      <path d="M6 21h20" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" />
      <path d="M8 21a8 8 0 0 1 16 0" fill="none" stroke="#fff" strokeWidth="2.6" />
      <path d="M13 21a3 3 0 0 1 6 0" fill="none" stroke="#fff" strokeWidth="2.4" opacity=".75" />
    </svg>
  );
}
