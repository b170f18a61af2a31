// What happens to shares, in one vocabulary: the log line of an event and the next status are functions of it.
import type { MountFailure } from "../kinds/failure.ts";
import type { AttemptNotice } from "../mount/attempt-ports.ts";
import type { UmountResult } from "../mount/umount.ts";
import type { Share } from "../shares/share.ts";
import type { ServerQuestion } from "../kinds/servers.ts";
import type { WatchEvent } from "../watch/watch.ts";

export type ShareEvent =
  | AttemptNotice
  | WatchEvent
  /** The server of these shares was asked and cannot serve yet: one server, one reason. */
  | {
      readonly kind: "server-not-ready";
      readonly question: ServerQuestion;
      readonly shares: readonly Share[];
      readonly reason: string;
    }
  /** The server answers, and does not serve the share. */
  | { readonly kind: "path-not-ready"; readonly share: Share; readonly reason: string }
  /** An attempt failed that will be repeated. */
  | {
      readonly kind: "attempt-failed";
      readonly share: Share;
      readonly failure: MountFailure;
      readonly attempt: number;
    }
  | {
      readonly kind: "mounted";
      readonly share: Share;
      /** As it was asked for; undefined for a mount that was there. */
      readonly version: string | undefined;
      /** Whether this instance made the mount, and so takes it down. */
      readonly isOurs: boolean;
      readonly attempts: number;
      readonly elapsedMs: number;
    }
  /** A share that COMMAND may start without will not come. */
  | { readonly kind: "given-up"; readonly share: Share; readonly reason: string }
  /** It was mounted and is lost, to be mounted afresh. */
  | { readonly kind: "away"; readonly share: Share; readonly reason: string }
  /** It is there again without that; others may have mounted it in the first place. */
  | { readonly kind: "back"; readonly share: Share; readonly isOurs: boolean }
  /** It was mounted afresh in place of one that was lost. */
  | { readonly kind: "remounted"; readonly share: Share; readonly elapsedMs: number }
  | { readonly kind: "remount-failed"; readonly share: Share; readonly reason: string }
  /** What is mounted below it goes when it is detached. */
  | { readonly kind: "goes-with"; readonly share: Share; readonly mounts: string }
  | { readonly kind: "unmounted"; readonly share: Share; readonly result: UmountResult }
  /** COMMAND is started again, on fresh mounts. */
  | { readonly kind: "restarted" };

export type Tell = (event: ShareEvent) => void;

/** The shares that an event is about. */
export function sharesOf(event: ShareEvent): readonly Share[] {
  if (event.kind === "restarted") return [];
  return event.kind === "server-not-ready" ? event.shares : [event.share];
}

/** Why the share is not mounted, where the event says so. */
export function waitingReason(event: ShareEvent): string | undefined {
  switch (event.kind) {
    case "server-not-ready":
    case "path-not-ready":
    case "given-up":
    case "away":
      return event.reason;
    case "attempt-failed":
      return event.failure.reason;
    case "pending":
      return `the mount call of version ${event.version} has not ended after ${Math.round(event.forMs / 1_000)} s`;
    default:
      return undefined;
  }
}
