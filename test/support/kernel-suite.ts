// What every file of kernel tests begins with: a lab of its own, a known state and a fresh box before each test.
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { openBox, type Box } from "./box.ts";
import { bootLab, type Lab, type LabOptions } from "./lab/lab.ts";

export interface KernelSuite {
  readonly lab: () => Lab;
  readonly box: () => Box;
}

/**
 * Boots a lab for this file; after each test checks that nothing of the user's was lost.
 * NFS_INIT_BINARY names another binary to test, one that was broken on purpose say.
 */
export function kernelSuite(mountPoints?: readonly string[], options: Pick<LabOptions, "diskBytes"> = {}): KernelSuite {
  let lab: Lab | undefined;
  let box: Box | undefined;
  const theLab = () => {
    if (lab === undefined) throw new Error("the lab is not up");
    return lab;
  };
  beforeAll(async () => {
    lab = await bootLab({ binary: process.env["NFS_INIT_BINARY"] ?? "dist/nfs-init", ...options });
  });
  beforeEach(async () => {
    await theLab().sh("reset");
    box = await openBox(theLab(), mountPoints);
  });
  afterEach(async () => {
    await box?.expectIntact();
  });
  afterAll(async () => {
    await lab?.stop();
  });
  return {
    lab: theLab,
    box: () => {
      if (box === undefined) throw new Error("the box is not open");
      return box;
    },
  };
}
