import { describe, expect, test } from "vitest";
import { AppError, exitCodes } from "../../../src/errors.ts";
import { CannotMount } from "../../../src/lifecycle/cannot-mount.ts";
import { startDiagnosis } from "../../../src/lifecycle/diagnosis.ts";
import type { Share } from "../../../src/shares/share.ts";
import { handClock } from "../fakes/clock.ts";
import { planOf } from "../fakes/shares.ts";

const { shares } = planOf({ NFS_MOUNTS: "nas:/one /mnt/one;nas:/two /mnt/two" });
const second = shares[1] as Share;

/** A diagnosis that is not due, with the shares it was asked about. */
function diagnosis(explain: (share: Share) => Promise<string | undefined>) {
  const asked: Share[] = [];
  const ports = {
    log: () => {},
    clock: handClock(),
    explain: (share: Share) => {
      asked.push(share);
      return explain(share);
    },
  };
  const { withCause, stop } = startDiagnosis(ports, { waitTimeoutMs: 1 }, () => shares);
  stop();
  return { withCause, asked };
}

const failure = { reason: "access denied by server (EACCES)", hint: "check the export" };

describe("an error of a share that cannot be mounted", () => {
  test("has the cause that is found for that very share as its hint", async () => {
    const { withCause, asked } = diagnosis(() => Promise.resolve("the path is not exported"));
    const error = await withCause(new CannotMount(second, failure));
    expect(asked).toEqual([second]);
    expect(error).toMatchObject({
      message: "cannot mount nas:/two on /mnt/two: access denied by server (EACCES)",
      exitCode: exitCodes.mountFailed,
      fields: { source: "nas:/two", target: "/mnt/two" },
      hint: "the path is not exported",
    });
  });

  test.each([
    ["nothing is found", () => Promise.resolve(undefined)],
    ["the diagnosis fails", () => Promise.reject(new Error("out of memory"))],
  ])("stays as it is where %s", async (_, explain) => {
    const error = new CannotMount(second, failure);
    expect(await diagnosis(explain).withCause(error)).toBe(error);
    expect(error.hint).toBe("check the export");
  });
});

test("an error of no share is not diagnosed", async () => {
  const { withCause, asked } = diagnosis(() => Promise.resolve("never"));
  const error = new AppError("the mount table cannot be read", exitCodes.mountFailed);
  expect(await withCause(error)).toBe(error);
  expect(asked).toEqual([]);
});
