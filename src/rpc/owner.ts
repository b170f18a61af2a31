// Whose a file is, as versions 3 and 4 tell it beside ACCESS.
import type { AccessAnswer } from "./nfs3.ts";
import type { LookupAnswer } from "./nfs4.ts";

/** Owner of what ACCESS was asked about; undefined where the server tells no number. */
export function ownerOf(
  answer: LookupAnswer | AccessAnswer,
): { readonly uid: number; readonly gid: number; readonly mode: number } | undefined {
  if (answer.kind === "access") return answer.ownership;
  if (answer.kind !== "found") return undefined;
  const { owner = "", group = "", mode } = answer;
  const uid = /^root(?:@|$)/.test(owner) ? 0 : /^\d+$/.test(owner) ? Number(owner) : undefined;
  const gid = /^root(?:@|$)/.test(group) ? 0 : /^\d+$/.test(group) ? Number(group) : undefined;
  return uid === undefined || gid === undefined || mode === undefined ? undefined : { uid, gid, mode };
}

/** Whether ACCESS lets the asking user write; undefined where the server gave no answer to that. */
export function mayWrite(answer: LookupAnswer | AccessAnswer): boolean | undefined {
  if (answer.kind !== "found" && answer.kind !== "access") return undefined;
  return answer.access.modify && answer.access.extend;
}
