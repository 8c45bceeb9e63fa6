import { Readable } from 'node:stream';
import type { NextFunction, Request, RequestHandler, Response } from 'express';

/** The connection ended before the request had arrived whole. There is nobody to be told. */
export class RequestBrokenOff extends Error {
  // What body-parser says of a body that breaks off while it reads.
  readonly status = 400;
  readonly type = 'request.aborted';

  constructor() {
    super('the connection was broken off before the request had arrived whole');
  }
}

/**
 * A parser of express', made to tell apart what it takes for one and the same: a body that is lost, one that is whole and whose client
 * has half-closed the connection since, and none at all. By itself it passes over the first two as if nothing had been sent.
 */
export function ofWholeBodies(parse: RequestHandler): RequestHandler {
  return (req: Request, res: Response, next: NextFunction): unknown => {
    const saysNoMore = !req.socket.readable;
    if ((req.destroyed && !req.readableEnded) || (saysNoMore && !req.complete)) return next(new RequestBrokenOff());
    if (!saysNoMore) return parse(req, res, next);
    // It looks at the socket, which will say nothing any more. All that it has said waits in the request.
    const bytes: unknown = req.read();
    const { headers } = req;
    const said = Object.assign(Readable.from(bytes instanceof Buffer ? [bytes] : [], { objectMode: false }), { headers, body: undefined });
    return parse(said as unknown as Request, res, (error?: unknown) => {
      req.body = said.body;
      next(error);
    });
  };
}
