// What the answer to a call on a path says of what is mounted there.
import { notStartedWords, type PathAnswer } from "./ports.ts";

/** Whether an answer of statfs(2) shows that a mount is alive: a refusal is an answer, too. */
export function isAlive(answer: PathAnswer): boolean {
  return (
    answer.kind === "done" || (answer.kind === "failed" && (answer.errno === "EACCES" || answer.errno === "EPERM"))
  );
}

/** Whether there was no process to ask with, which says nothing of the path. */
export function isNotStarted(answer: PathAnswer): boolean {
  return answer.kind === "no-answer" && answer.notStarted !== undefined;
}

/** Why nothing good was heard of a mount, to go on with after "it is mounted and". */
export function silence(answer: PathAnswer): string {
  if (answer.kind !== "no-answer" || answer.notStarted === undefined) return "does not answer";
  return notStartedWords(answer.notStarted);
}
