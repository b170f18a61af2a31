// check: is it healthy? Answered from the published state alone; no mount is touched.
import { exitCodes } from "../errors.ts";
import { judgeFound, type CallerFacts, type FoundState, type HealthQuestion } from "../report/health.ts";

export interface CheckPorts {
  readonly readState: () => FoundState;
  readonly caller: () => CallerFacts;
}

export interface CheckAnswer {
  readonly exitCode: number;
  /** Why, for a person. */
  readonly line: string;
}

/** Not in the table of exit codes: COMMAND never runs behind it. */
const unhealthy = 1;

export function check({ readState, caller }: CheckPorts, question: HealthQuestion): CheckAnswer {
  const { verdict, line } = judgeFound(readState(), question, caller());
  switch (verdict) {
    case "ok":
      return { exitCode: exitCodes.ok, line };
    case "failed":
      return { exitCode: unhealthy, line };
    case "unconfigured":
      return { exitCode: exitCodes.ok, line: `ok: ${line}` };
  }
}
