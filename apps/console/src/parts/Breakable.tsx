import { Fragment } from 'react';

/** An address or a URL that may go on in the next line behind an @, a dot or a slash, and only where it must within a word. */
export function Breakable({ text }: { text: string }) {
  const pieces = text.split(/(?<=[@./])/);
  return (
    <>
      {pieces.map((piece, i) => (
        <Fragment key={i}>
          {i > 0 && <wbr />}
          {piece}
        </Fragment>
      ))}
    </>
  );
}
