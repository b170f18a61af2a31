// A reason why a share does not mount, or not as one would think, with what to change.
import type { CauseId } from "../kinds/cause-id.ts";

export interface Cause {
  readonly id: CauseId;
  /** The source of the share; undefined where it stops all of them. */
  readonly share: string | undefined;
  /** Whether the share does not mount because of it. */
  readonly isFatal: boolean;
  /** A clause that goes on from "because", without a full stop. */
  readonly because: string;
  /** What to do, in the imperative, without a full stop. */
  readonly change: string;
}
