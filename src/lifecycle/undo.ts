// The undo stack: what each step did, taken back in reverse on the way out.

export interface UndoStack {
  /** Remembers how to take back what was just done; takes it back at once where everything else has been already. */
  readonly push: (undo: () => Promise<void>) => void;
  /** Takes everything back, the last first; a step that fails does not keep the others. */
  readonly unwind: () => Promise<void>;
}

export function undoStack(onError: (error: unknown) => void): UndoStack {
  const steps: (() => Promise<void>)[] = [];
  let isUnwound = false;
  const unwind = async (): Promise<void> => {
    isUnwound = true;
    for (let undo = steps.pop(); undo !== undefined; undo = steps.pop()) {
      try {
        await undo();
      } catch (error) {
        onError(error);
      }
    }
  };
  return {
    push: (undo) => {
      steps.push(undo);
      if (isUnwound) void unwind();
    },
    unwind,
  };
}
