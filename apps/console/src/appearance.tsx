import { createTheme, type CSSVariablesResolver, MantineProvider, mergeThemeOverrides, type MantineColorsTuple } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { type ReactNode, useMemo } from 'react';
import { shadesOf } from './shades';
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './appearance.css';

const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? '';
// What locks scrolling under a dialog writes a style element of its own, and looks for the nonce here.
Object.assign(globalThis, { __webpack_nonce__: nonce });

const water: MantineColorsTuple = [
  '#eef3ff',
  '#dde6fc',
  '#b9cbf7',
  '#93aef2',
  '#7395ec',
  '#5a82e6',
  '#446fdc',
  '#2f5bd0',
  '#254bb0',
  '#1c3a8c',
];

const theme = createTheme({
  colors: { water },
  primaryColor: 'water',
  primaryShade: { light: 7, dark: 6 },
  autoContrast: true,
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily: '-apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Open Sans", "Noto Sans", Ubuntu, Cantarell, Arial, sans-serif',
  fontFamilyMonospace:
    'ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", "Noto Sans Mono", monospace',
  fontSizes: { xs: '0.75rem', sm: '0.875rem', md: '0.9375rem', lg: '1.0625rem', xl: '1.25rem' },
  headings: {
    fontWeight: '650',
    sizes: {
      h1: { fontSize: '1.5rem', lineHeight: '1.3' },
      h2: { fontSize: '1.0625rem', lineHeight: '1.4' },
      h3: { fontSize: '0.9375rem', lineHeight: '1.4' },
    },
  },
  components: {
    // A title in its alert's colour has less contrast than text needs.
    Alert: { styles: { title: { color: 'var(--mantine-color-text)' } } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 250 } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.4 }, closeButtonProps: { 'aria-label': 'Close' } } },
    Table: { defaultProps: { verticalSpacing: 'sm' } },
    // Nearly every field must be filled in: those that need not be say so.
    // Help stands below its field, so that fields side by side are in line.
    InputWrapper: { defaultProps: { withAsterisk: false, inputWrapperOrder: ['label', 'input', 'description', 'error'] } },
    TextInput: { defaultProps: { autoComplete: 'off' } },
    // A menu holds items alone: the placeholder that takes the first focus is none.
    Menu: { defaultProps: { shadow: 'md', position: 'bottom-end', withInitialFocusPlaceholder: false } },
    Paper: { defaultProps: { withBorder: true } },
  },
});

// Mantine's own shades for secondary text have less contrast than WCAG AA asks for (4.5).
const contrast: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#59616b',
    '--mantine-color-placeholder': '#6c747d',
    '--mantine-color-error': '#c22525',
    '--mantine-color-body': '#ffffff',
    '--causeway-canvas': '#f7f8fa',
    '--causeway-line': '#e3e6ea',
    '--causeway-code': '#f3f5f7',
  },
  dark: {
    '--mantine-color-dimmed': '#a9b0b8',
    '--mantine-color-placeholder': '#8d949c',
    '--mantine-color-error': '#ff8787',
    '--causeway-canvas': '#17191c',
    '--mantine-color-body': '#1e2124',
    '--causeway-line': '#34383d',
    '--causeway-code': '#26292d',
  },
});

/** What every page stands in: colours for light and dark, and the place where notices appear. `accent` (#rrggbb) takes the place of our own. */
export function Appearance({ children, accent }: { children: ReactNode; accent?: string | undefined }) {
  const themed = useMemo(() => (accent ? mergeThemeOverrides(theme, { colors: { water: shadesOf(accent) } }) : theme), [accent]);
  return (
    <MantineProvider theme={themed} defaultColorScheme="auto" getStyleNonce={() => nonce} cssVariablesResolver={contrast}>
      <Notifications position="bottom-right" autoClose={5000} />
      {children}
    </MantineProvider>
  );
}
