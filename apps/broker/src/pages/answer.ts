import type { Response } from 'express';

export function answer(res: Response, status: number, body: object): void {
  answerJson(res, status, JSON.stringify(body));
}

/** JSON that is made already: events are spliced in as they stand in the log. */
export function answerJson(res: Response, status: number, json: string): void {
  res.locals.decision ??= 'done';
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/json');
  res.setHeader('Cache-Control', 'no-store');
  res.end(json);
}

export function answerNothing(res: Response): void {
  res.locals.decision ??= 'done';
  res.statusCode = 204;
  res.setHeader('Cache-Control', 'no-store');
  res.end();
}
