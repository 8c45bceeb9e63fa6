import { useEffect, useState } from 'react';
import { ago, dateAndTime } from './words';

/** How long ago something was, kept true while the page is open; the exact time on hovering. */
export function When({ time }: { time: string }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 15_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={time} title={dateAndTime(time)}>
      {ago(time)}
    </time>
  );
}
