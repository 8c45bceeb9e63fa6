import type { MantineColorsTuple } from '@mantine/core';

/**
 * Ten shades of a vendor's colour, from nearly white to nearly black, with the colour itself where buttons take theirs. One so
 * light that it could not be told from the page is darkened, so that links in it can be read (WCAG AA: 4.5 on white).
 */
export function shadesOf(color: string): MantineColorsTuple {
  let base = channels(color);
  while (contrastOnWhite(base) < 4.5) base = mix(base, [0, 0, 0], 0.08);
  const white: Rgb = [255, 255, 255];
  const black: Rgb = [0, 0, 0];
  return [
    hex(mix(base, white, 0.92)),
    hex(mix(base, white, 0.84)),
    hex(mix(base, white, 0.68)),
    hex(mix(base, white, 0.52)),
    hex(mix(base, white, 0.38)),
    hex(mix(base, white, 0.25)),
    hex(mix(base, white, 0.12)),
    hex(base),
    hex(mix(base, black, 0.18)),
    hex(mix(base, black, 0.36)),
  ];
}

type Rgb = [red: number, green: number, blue: number];

function channels(color: string): Rgb {
  const number = Number.parseInt(color.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

function mix(a: Rgb, b: Rgb, share: number): Rgb {
  const of = (i: 0 | 1 | 2): number => Math.round(a[i] * (1 - share) + b[i] * share);
  return [of(0), of(1), of(2)];
}

function hex(rgb: Rgb): string {
  return `#${rgb.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}

// WCAG 2.2, relative luminance.
function contrastOnWhite(rgb: Rgb): number {
  const [red = 0, green = 0, blue = 0] = rgb.map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
}
