// The error of a share that cannot be mounted, whatever is tried again.
import { AppError, exitCodes } from "../errors.ts";
import type { MountFailure } from "../kinds/failure.ts";
import type { Share } from "../shares/share.ts";

/** Ends the program with 32; it knows its share, so that the cause can be looked for. */
export class CannotMount extends AppError {
  readonly share: Share;
  readonly failure: Pick<MountFailure, "reason" | "hint" | "cause">;

  constructor(share: Share, failure: Pick<MountFailure, "reason" | "hint" | "cause">, cause?: unknown) {
    super(`cannot mount ${share.label} on ${share.target}: ${failure.reason}`, exitCodes.mountFailed, {
      fields: { source: share.label, target: share.target },
      hint: failure.hint,
      cause,
    });
    this.share = share;
    this.failure = failure;
  }
}
