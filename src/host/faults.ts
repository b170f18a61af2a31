// Faults beside the main flow: they must not take COMMAND down with them, so they are said, and it goes on.
import * as native from "native";

/** Says why nothing could be done; gives the exit code. What that takes is loaded only now. */
export async function complainOf(error: unknown): Promise<number> {
  const { sayLastWords } = await import("./last-words.ts");
  return sayLastWords(error);
}

/** Takes exceptions out of callbacks, and rejections that are still nobody's when everything that was under way has run. */
export function takeFaults(): void {
  const untaken = new Map<Promise<unknown>, unknown>();
  let timer = 0;
  const say = () => {
    timer = 0;
    const reasons = [...untaken.values()];
    untaken.clear();
    for (const reason of reasons) void complainOf(reason);
  };
  native.onFault((error) => void complainOf(error));
  native.onRejection((promise, reason, isHandled) => {
    // One is told of before the very expression that takes it is through.
    if (isHandled) untaken.delete(promise);
    else untaken.set(promise, reason);
    if (untaken.size === 0) {
      native.clearTimer(timer);
      timer = 0;
    } else if (timer === 0) timer = native.setTimer(0, say);
  });
}
