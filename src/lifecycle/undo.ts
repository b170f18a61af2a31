// The undo stack: what each step did, taken back in reverse on the way out.

export interface UndoStack {
  /** Remembers how to take back what was just done. */
  readonly push: (undo: () => Promise<void>) => void;
  /** Takes everything back, the last first; a step that fails does not keep the others. */
  readonly unwind: () => Promise<void>;
}

export function undoStack(onError: (error: unknown) => void): UndoStack {
  const steps: (() => Promise<void>)[] = [];
  return {
    push: (undo) => {
      steps.push(undo);
    },
    unwind: async () => {
      for (let undo = steps.pop(); undo !== undefined; undo = steps.pop()) {
        try {
          await undo();
        } catch (error) {
          onError(error);
        }
      }
    },
  };
}
